package import NFSProtocol
package import NodeRuntime

/// Settings of the NFS server of one node.
package struct NFSServerConfiguration: Sendable {
    /// Address to listen on.
    package var host: String
    /// 0 takes a free port.
    package var port: Int
    package var squash: NFSSquash
    /// Connections at once; more are closed as they come.
    package var connections: Int
    package var limits = NFSLimits()
    /// Who this server is to its clients: another for each node of a cluster.
    package var identity: String
    /// What all servers of a cluster have in common: they let each other's clients reclaim.
    package var scope: String

    package init(host: String, settings: NFSSettings, identity: String, scope: String) {
        self.host = host
        port = settings.port
        squash = NFSSquash(rawValue: settings.squash) ?? .root
        connections = settings.connections
        self.identity = identity
        self.scope = scope
    }
}
