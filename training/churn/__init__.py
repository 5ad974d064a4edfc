"""Fits churn releases: tables of customers in, held-out figures and a release out."""
