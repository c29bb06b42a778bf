"""Hand a run's trained models over to MLflow, its model registry, a container image and a scoring server.

Each MLflow flavour has one module that saves a library's models; ``served`` serves the libraries without a flavour.
Only ``endpoint`` measures, and no module pickles.
"""
