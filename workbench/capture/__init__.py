"""Makes captures: finds nsys, runs a program under it, exports what it recorded, and scrubs the export."""
