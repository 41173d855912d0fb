/// Bounds of the server; each says what is answered beyond it.
package struct NFSLimits: Hashable, Sendable {
    /// Seconds after which the state of a silent client may end.
    package var leaseSeconds: UInt32 = 90
    /// Bytes of one READ or WRITE.
    package var transferBytes = 1 << 20
    /// Operations of a compound; more are NFS4ERR_TOO_MANY_OPS, in 4.0 NFS4ERR_RESOURCE.
    package var operations = 64
    /// Requests of a session at once. A client is given at most these.
    package var slots = 64
    /// Bytes of a reply that is kept to be sent again.
    package var keptReplyBytes = 4_096
    /// Clients, and sessions of one of them; more are NFS4ERR_RESOURCE.
    package var clients = 4_096
    package var sessionsPerClient = 16
    /// Open files and lock owners of all clients; more are NFS4ERR_RESOURCE.
    package var states = 262_144
    /// Compounds under way; more are NFS4ERR_DELAY.
    package var compounds = 4_096
    /// Seconds after which a session of the seam that nobody uses is ended.
    package var idleSeconds: UInt32 = 300
    package init() {}

    /// Bytes of a record: a WRITE with what is around it.
    package var recordBytes: Int { transferBytes + (64 << 10) }
}

/// Whose word counts.
package enum NFSSquash: String, Hashable, Sendable, CaseIterable, Codable {
    /// User 0 becomes nobody. The default.
    case root
    /// Users are as their machine says, root too: where all machines that reach the port are trusted.
    case none
    /// Everybody is nobody.
    case all
}
