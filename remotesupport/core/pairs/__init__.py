"""One row per external ticket with its main ticket: who claims whom, what main shows, anomalies, phases."""
