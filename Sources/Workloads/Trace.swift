package import Primitives

/// What clients did, recorded: who, when, where, what. Replayed, each client is a program that does one
/// thing after the other, no earlier than at its time. The format is described in
/// `docs/reference/workloads.md`.
package struct Trace: Hashable, Sendable {
    package enum Verb: String, Hashable, Sendable, CaseIterable {
        case stat, list, read, write, sync, close, mkdir, rename, remove, commit, reload
    }

    package struct Event: Hashable, Sendable {
        /// After the beginning.
        package var at: Duration
        /// Its place in `clients`.
        package var client: Int
        package var verb: Verb
        /// Relative to the root; empty for `commit` and `reload`.
        package var path: String
        /// Of `rename`.
        package var to: String
        package var offset: UInt64
        package var bytes: UInt32
        package init(at: Duration, client: Int, verb: Verb, path: String = "", to: String = "", offset: UInt64 = 0, bytes: UInt32 = 0) {
            self.at = at
            self.client = client
            self.verb = verb
            self.path = path
            self.to = to
            self.offset = offset
            self.bytes = bytes
        }
    }

    package struct Client: Hashable, Sendable {
        package var name: String
        /// A region, or `home`, `near`, `far`: the primary one, the nearest and the farthest other.
        package var region: String
        package init(name: String, region: String) {
            self.name = name
            self.region = region
        }
    }

    package static let eventsMax = 200_000
    package static let clientsMax = 64
    /// Bytes of one read or write; longer ones are several.
    package static let bytesMax: UInt32 = 1 << 20

    package var name: String
    package var clients: [Client]
    /// In order of time.
    package var events: [Event]
    package init(name: String, clients: [Client], events: [Event]) {
        self.name = name
        self.clients = clients
        self.events = events
    }

    package func has(_ verb: Verb) -> Bool { events.contains { $0.verb == verb } }

    /// Where a client is on a map.
    package func region(of client: Int, home: RegionID, others: [RegionID], map: RegionMap) -> RegionID? {
        func distance(_ region: RegionID) -> (Duration, RegionID) { (map.roundTrip(home, region) ?? .zero, region) }
        let byDistance = others.sorted { distance($0) < distance($1) }
        return switch clients[client].region {
        case "home": home
        case "near": byDistance.first ?? home
        case "far": byDistance.last ?? home
        case let name: ([home] + others).first { $0.name == name }
        }
    }

    /// Files that must be there before: those that are looked at or read before anybody has written them,
    /// with the size that is read of them. In order of first use.
    package var files: [(path: String, size: UInt64)] {
        var sizes: [String: UInt64] = [:]  // looked up only
        var order: [String] = []
        var made: Set<String> = []  // looked up only
        for event in events where !made.contains(event.path) {
            switch event.verb {
            case .read, .stat, .remove, .rename:
                let isRead = event.verb == .read
                // A directory that is looked at is made with the files in it.
                if sizes[event.path] == nil { order.append(event.path) }
                sizes[event.path] = max(sizes[event.path] ?? 0, isRead ? event.offset + UInt64(event.bytes) : 0)
                if event.verb == .rename { made.insert(event.to) }
            case .write, .mkdir: if sizes[event.path] == nil { made.insert(event.path) }
            case .list, .sync, .close, .commit, .reload: break
            }
        }
        let folders = Set(directories)
        return order.filter { !folders.contains($0) }.map { ($0, sizes[$0] ?? 0) }
    }

    /// Directories that files lie in, and those that are listed; parents first.
    package var directories: [String] {
        var out: Set<String> = []
        for event in events {
            if event.verb == .list, !event.path.isEmpty { out.insert(event.path) }
            for path in [event.path, event.to] {
                var parts = path.split(separator: "/")
                if !parts.isEmpty { parts.removeLast() }
                while !parts.isEmpty {
                    out.insert(parts.joined(separator: "/"))
                    parts.removeLast()
                }
            }
        }
        return out.sorted()
    }
}
