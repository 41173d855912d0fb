package import Primitives

/// Who holds a lock for a client of an NFS server.
package struct NFSLockName: Hashable, Sendable {
    /// The registration; 0 is nobody's.
    package var client: UInt64
    /// In the upper half what the owner's name comes to, by which it is known after a restart of the server (docs/reference/nfs.md);
    /// below, a number of the server's for these locks.
    package var owner: UInt64
    package init(client: UInt64, owner: UInt64) {
        self.client = client
        self.owner = owner
    }

    package func isSameOwner(_ other: UInt64) -> Bool { owner >> 32 == other >> 32 }
}

/// What an NFS server asks of a file system for its clients, so that what they have outlives it
/// (docs/rfcs/2026-11-22-nfs-state.md).
package enum NFSClientRequest: Hashable, Sendable {
    case register(NFSClientIdentity)
    /// `reclaim`: the owner has held it under an earlier registration; it is taken over, or this fails (`invalid`).
    case lock(InodeID, LockRange, exclusive: Bool, NFSLockName, reclaim: Bool)
    case unlock(InodeID, LockRange, NFSLockName)
    /// What stands in the way of such a lock.
    case testLock(InodeID, LockRange, exclusive: Bool, NFSLockName)
    /// Nothing more will be reclaimed.
    case complete(UInt64)
    /// The registration ends with all its locks.
    case end(UInt64)
    /// The clients are alive. Answered with those that are not registered any more. Costs no entry of the log.
    case renew([UInt64])
    /// All clients and all locks, for those who look.
    case list

    package var isChange: Bool {
        switch self {
        case .register, .lock, .unlock, .complete, .end: true
        case .testLock, .renew, .list: false
        }
    }
}

package enum NFSClientReply: Hashable, Sendable {
    case registered(NFSRegistration)
    case unknown([UInt64])
    case list([NFSClientStatus], [NFSLockStatus])
}

/// A registered client as others see it.
package struct NFSClientStatus: Hashable, Sendable {
    package var entry: NFSClientEntry
    /// Until whoever asks may have what it holds; zero once that is so.
    package var leaseLeft: Duration
    package init(entry: NFSClientEntry, leaseLeft: Duration) {
        self.entry = entry
        self.leaseLeft = leaseLeft
    }
}

/// A held lock, of anybody.
package struct NFSLockStatus: Hashable, Sendable {
    package var inode: InodeID
    package var lock: HeldLock
    package init(inode: InodeID, lock: HeldLock) {
        self.inode = inode
        self.lock = lock
    }
}

extension NFSLockName: XDRCodable {
    package func encode(to writer: inout XDRWriter) {
        writer.write(client)
        writer.write(owner)
    }
    package init(from reader: inout XDRReader) throws(XDRError) { self.init(client: try reader.uint64(), owner: try reader.uint64()) }
}

extension NFSClientRequest: XDRCodable {
    /// Registrations told as alive at once.
    private static var renewLimit: Int { NFSClientTable.capacity }

    package func encode(to writer: inout XDRWriter) {
        switch self {
        case .register(let identity):
            writer.write(UInt32(1))
            writer.write(identity)
        case .lock(let inode, let range, let exclusive, let name, let reclaim):
            writer.write(UInt32(2))
            writer.write(inode)
            writer.write(range)
            writer.write(exclusive)
            writer.write(name)
            writer.write(reclaim)
        case .unlock(let inode, let range, let name):
            writer.write(UInt32(3))
            writer.write(inode)
            writer.write(range)
            writer.write(name)
        case .testLock(let inode, let range, let exclusive, let name):
            writer.write(UInt32(4))
            writer.write(inode)
            writer.write(range)
            writer.write(exclusive)
            writer.write(name)
        case .complete(let number):
            writer.write(UInt32(5))
            writer.write(number)
        case .end(let number):
            writer.write(UInt32(6))
            writer.write(number)
        case .renew(let numbers):
            writer.write(UInt32(7))
            writer.write(numbers: numbers)
        case .list: writer.write(UInt32(8))
        }
    }

    package init(from reader: inout XDRReader) throws(XDRError) {
        switch try reader.uint32() {
        case 1: self = .register(try reader.value())
        case 2:
            self = .lock(
                try reader.value(), try reader.value(), exclusive: try reader.bool(), try reader.value(), reclaim: try reader.bool())
        case 3: self = .unlock(try reader.value(), try reader.value(), try reader.value())
        case 4: self = .testLock(try reader.value(), try reader.value(), exclusive: try reader.bool(), try reader.value())
        case 5: self = .complete(try reader.uint64())
        case 6: self = .end(try reader.uint64())
        case 7: self = .renew(try reader.numbers(limit: Self.renewLimit))
        case 8: self = .list
        case let other: throw .badValue(what: "request of an NFS client", value: UInt64(other))
        }
    }
}

extension NFSClientReply: XDRCodable {
    package func encode(to writer: inout XDRWriter) {
        switch self {
        case .registered(let registration):
            writer.write(UInt32(1))
            writer.write(registration)
        case .unknown(let numbers):
            writer.write(UInt32(2))
            writer.write(numbers: numbers)
        case .list(let clients, let locks):
            writer.write(UInt32(3))
            writer.write(UInt32(clients.count))
            for client in clients {
                writer.write(client.entry)
                writer.write(client.leaseLeft.inNanoseconds)
            }
            writer.write(UInt32(locks.count))
            for lock in locks {
                writer.write(lock.inode)
                writer.write(lock.lock)
            }
        }
    }

    package init(from reader: inout XDRReader) throws(XDRError) {
        switch try reader.uint32() {
        case 1: self = .registered(try reader.value())
        case 2: self = .unknown(try reader.numbers(limit: NFSClientTable.capacity))
        case 3:
            var clients: [NFSClientStatus] = []
            for _ in 0..<(try reader.count(limit: NFSClientTable.capacity)) {
                clients.append(NFSClientStatus(entry: try reader.value(), leaseLeft: .nanoseconds(try reader.int64())))
            }
            var locks: [NFSLockStatus] = []
            for _ in 0..<(try reader.count(limit: LockTable.capacity)) {
                locks.append(NFSLockStatus(inode: try reader.value(), lock: try reader.value()))
            }
            self = .list(clients, locks)
        case let other: throw .badValue(what: "reply to an NFS client", value: UInt64(other))
        }
    }
}

extension XDRWriter {
    fileprivate mutating func write(numbers: [UInt64]) {
        write(UInt32(numbers.count))
        for number in numbers { write(number) }
    }
}

extension XDRReader {
    fileprivate mutating func numbers(limit: Int) throws(XDRError) -> [UInt64] {
        var numbers: [UInt64] = []
        for _ in 0..<(try count(limit: limit, minimumSize: 8)) { numbers.append(try uint64()) }
        return numbers
    }
}
