"""What an arm would bring, estimated from another arm's log alone, beside the truth."""
