"""Julia from outside: finding it, provisioning it, and starting it through juliacall.

``find`` and the modules that it imports only read files. A framework is known here only by the packages of its layer.
"""
