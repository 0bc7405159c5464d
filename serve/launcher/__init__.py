"""Starts and stops everything that a running shop consists of: Ray, Serve, HAProxy; and leaves nothing behind.

LaunchError
|-- AlreadyRunning   another process runs a shop on this data
|-- PortTaken        something else listens on the port
|-- NoCluster        the Ray that is meant can't be found or joined
|-- StartFailed      Ray, Serve or the application did not come up; says where the logs are
|-- NodeRuns         a node of a cluster runs already with this data directory
|-- NodeMissing      no node of a cluster was started with it
|-- NodeFailed       Ray did not start on this node
|-- SecretsMissing   a node was not given the secrets of its cluster
`-- DeployRefused    something speaks against selling on the cluster, or it did not begin to
"""
