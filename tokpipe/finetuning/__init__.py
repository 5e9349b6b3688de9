"""Fine-tuning: labelled data to a model that does a job, and what it predicts to scores."""
