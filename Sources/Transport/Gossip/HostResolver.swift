internal import NIOCore
internal import NIOPosix
internal import Primitives
internal import Synchronization

/// Turns host names into addresses for datagrams, without ever making an event loop wait: numbers are
/// parsed on the spot, names are looked up on a thread for blocking work and remembered for a while.
/// Meanwhile, and when the look-up fails, there is no address, which gossip takes as a lost packet.
final class HostResolver: Sendable {
    static let limit = 4_096
    static let lifetime: Duration = .seconds(30)

    private struct Entry {
        var address: SocketAddress?
        var until: Instant
    }
    private struct Key: Hashable {
        var host: String
        var port: Int
    }
    private let entries = Mutex<[Key: Entry]>([:])
    private let pool: NIOThreadPool

    init(pool: NIOThreadPool = .singleton) { self.pool = pool }

    func address(host: String, port: Int) -> SocketAddress? {
        let key = Key(host: host, port: port)
        let now = Instant.now
        let (known, isFresh) = entries.withLock { entries in
            let entry = entries[key]
            return (entry?.address, entry.map { $0.until > now } ?? false)
        }
        if isFresh { return known }
        if let address = try? SocketAddress(ipAddress: host, port: port) {
            remember(key, address, until: .distantFuture)
            return address
        }
        // Marks the look-up as begun, so that there is one of it at a time; the old answer serves on.
        remember(key, known, until: now + Self.lifetime)
        pool.submit { [self] state in
            guard case .active = state, let address = try? SocketAddress.makeAddressResolvingHost(host, port: port) else { return }
            remember(key, address, until: .now + Self.lifetime)
        }
        return known
    }

    private func remember(_ key: Key, _ address: SocketAddress?, until: Instant) {
        entries.withLock { entries in
            if entries.count >= Self.limit, entries[key] == nil { entries.removeAll(keepingCapacity: true) }
            entries[key] = Entry(address: address, until: until)
        }
    }
}
