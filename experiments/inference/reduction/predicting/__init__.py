"""Predictions as covariates: of any regressor, out of fold, and of anything from elsewhere."""
