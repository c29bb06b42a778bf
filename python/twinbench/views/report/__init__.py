"""A run as one HTML file that works offline: `page` puts it together, ``templates/`` has its looks."""
