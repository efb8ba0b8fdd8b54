"""The page for Prometheus: counters that only grow, gauges of now, and the small server that hands them out."""
