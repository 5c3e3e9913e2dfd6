"""One language model that writes texts for several tasks, freely or among allowed texts."""
