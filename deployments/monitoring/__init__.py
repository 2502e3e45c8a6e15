"""Health and figures over HTTP, served by each worker; beside it a Grafana dashboard and alert rules of Prometheus."""
