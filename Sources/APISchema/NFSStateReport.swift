package import Filesystem
package import Primitives

/// A client of an NFS server that has opens or locks in a file system.
package struct NFSClientReport: Sendable, Hashable, JSONEncodable {
    /// Names it in the lock table.
    package var number: UInt64
    /// As the client has named itself.
    package var owner: [UInt8]
    package var address: String
    /// `4.0`, `4.1` (4.2 is told as that).
    package var version: String
    /// The node that serves it, and its region; nil where the node is not known any more.
    package var node: NodeID
    package var region: RegionID?
    package var registered: WallTime
    /// Until who asks for what it holds has it.
    package var leaseMilliseconds: UInt64
    package var locks: UInt64

    package init(_ client: NFSClientStatus, region: RegionID?, locks: UInt64) {
        number = client.entry.number
        owner = client.entry.identity.owner
        address = client.entry.identity.address
        version = "4.\(client.entry.identity.minor)"
        node = client.entry.node
        self.region = region
        registered = client.entry.registered
        leaseMilliseconds = UInt64(max(0, client.leaseLeft.inNanoseconds) / 1_000_000)
        self.locks = locks
    }

    package func write(to writer: inout JSONWriter) {
        writer.object {
            $0.field("number", identifier: number)
            $0.field("owner", bytes: owner)
            $0.field("address", address)
            $0.field("version", version)
            $0.field("node", node.rawValue)
            $0.field("region", region?.name)
            $0.field("registered_at", registered.rfc3339)
            $0.field("registered_at_ns", registered.nanoseconds)
            $0.field("lease_left_ms", leaseMilliseconds)
            $0.field("locks", locks)
        }
    }

    package init(json: JSON) throws(FileFailure) {
        number = try json.identifier("number")
        owner = try json.bytes("owner")
        address = try json.string("address")
        version = try json.string("version")
        node = NodeID(try json.unsigned("node"))
        region = json["region"]?.text.map { RegionID($0) }
        registered = WallTime(nanoseconds: try json.signed("registered_at_ns"))
        leaseMilliseconds = try json.unsigned("lease_left_ms")
        locks = try json.unsigned("locks")
    }
}

/// A held lock of a network file system, of a client of an NFS server or of a session of a node.
package struct NFSLockReport: Sendable, Hashable, JSONEncodable {
    package var inode: InodeID
    package var start: UInt64
    /// Nil: to the end of the file, however it grows.
    package var length: UInt64?
    package var isExclusive: Bool
    package var node: NodeID
    package var region: RegionID?
    /// Of a client of an NFS server: which.
    package var client: UInt64?
    /// Which of its owners: of such a client what the owner's name comes to.
    package var owner: UInt64

    package init(_ status: NFSLockStatus, region: RegionID?) {
        inode = status.inode
        start = status.lock.start
        length = status.lock.end == .max ? nil : status.lock.end - status.lock.start
        isExclusive = status.lock.exclusive
        let holder = status.lock.owner
        node = holder.node
        self.region = region
        client = NFSClientTable.isClient(holder.session) ? holder.session.rawValue : nil
        owner = client == nil ? holder.owner : holder.owner >> 32
    }

    package func write(to writer: inout JSONWriter) {
        writer.object {
            $0.field("inode", inode.rawValue)
            $0.field("start", start)
            $0.field("length", length)
            $0.field("exclusive", isExclusive)
            $0.field("node", node.rawValue)
            $0.field("region", region?.name)
            $0.field("client", client.map { String($0) })
            $0.field("owner", identifier: owner)
        }
    }

    package init(json: JSON) throws(FileFailure) {
        inode = InodeID(try json.unsigned("inode"))
        start = try json.unsigned("start")
        length = try json.optionalUnsigned("length")
        isExclusive = try json.bool("exclusive")
        node = NodeID(try json.unsigned("node"))
        region = json["region"]?.text.map { RegionID($0) }
        client = json["client"]?.text.flatMap { UInt64($0) }
        owner = try json.identifier("owner")
    }
}

/// `GET /v1/filesystems/{id}/nfs-state`: who holds what.
package struct NFSStateReport: Sendable, Hashable, JSONEncodable {
    package var clients: [NFSClientReport]
    package var locks: [NFSLockReport]
    package init(clients: [NFSClientReport], locks: [NFSLockReport]) {
        self.clients = clients
        self.locks = locks
    }

    package func write(to writer: inout JSONWriter) {
        writer.object {
            $0.field("clients", clients)
            $0.field("locks", locks)
        }
    }

    package init(json: JSON) throws(FileFailure) {
        clients = try json.rows("clients") { json throws(FileFailure) in try NFSClientReport(json: json) }
        locks = try json.rows("locks") { json throws(FileFailure) in try NFSLockReport(json: json) }
    }
}
