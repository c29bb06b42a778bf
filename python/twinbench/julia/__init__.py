"""Julia from outside: finding it, provisioning it, and starting it through juliacall.

``find`` and what it uses read files only. No file here knows a framework but by the packages of its layer.
"""
