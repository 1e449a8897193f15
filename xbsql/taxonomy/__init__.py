"""Taxonomies: labels that are paths, trees of nodes, and two trees laid upon each other."""
