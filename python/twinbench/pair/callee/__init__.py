"""What runs in the user's interpreter: Python 3.9 or newer, and NumPy or pandas where a value needs them."""
