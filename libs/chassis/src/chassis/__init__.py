"""What every service needs and no business noun: database, outbox, inbox, batches, broker, telemetry."""
