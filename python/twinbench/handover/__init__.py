"""From a run to something that can be used: trained models in MLflow, its registry, and behind its server.

One module per flavour of MLflow's says how a model of that library is saved there; ``served`` is for libraries that
have none. Nothing here measures, and nothing pickles.
"""
