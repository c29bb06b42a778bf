"""Constants of the standard normal distribution, for modules that need no more of it."""

NORMAL_95 = 1.959964
"""Half the width of a two-sided 95 % interval, in standard errors: the 0.975 quantile."""
