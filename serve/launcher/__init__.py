"""Starts and stops everything that a running shop consists of: Ray, Serve, HAProxy; and leaves nothing behind.

LaunchError
|-- AlreadyRunning   another process runs a shop on this data
|-- PortTaken        something else listens on the port
|-- NoCluster        the Ray that is meant can't be found or joined
`-- StartFailed      Ray, Serve or the application did not come up; says where the logs are
"""
