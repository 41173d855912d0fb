internal import Primitives

/// A mistake in a configuration file, by file and key.
package struct ConfigError: Error, Hashable, Sendable, CustomStringConvertible {
    package let file: String
    package let key: String
    package let reason: String
    package init(file: String, key: String, reason: String) {
        self.file = file
        self.key = key
        self.reason = reason
    }
    package var description: String { "configuration \(file): \(key.isEmpty ? "" : "\(key): ")\(reason)" }
}

extension NodeConfig {
    /// The first thing that is wrong with the values, in the words of the file.
    package func check(file: String) throws(ConfigError) {
        func fail(_ key: String, _ reason: String) -> ConfigError { ConfigError(file: file, key: key, reason: reason) }
        func range<Value: Comparable & Sendable>(_ key: String, _ value: Value, _ allowed: ClosedRange<Value>) throws(ConfigError) {
            guard allowed.contains(value) else {
                throw fail(key, "\(value) is out of range; \(allowed.lowerBound) to \(allowed.upperBound)")
            }
        }
        guard Self.isName(node.name) else { throw fail("node.name", "use 1 to 64 of A-Z a-z 0-9 - _ .") }
        guard Self.isName(node.region) else { throw fail("node.region", "use 1 to 64 of A-Z a-z 0-9 - _ .") }
        guard Base62.decode(cluster.id[...]) != nil else {
            throw fail("cluster.id", "must be 22 characters of 0-9A-Za-z, as `atoll ca init` prints")
        }
        guard Self.isName(cluster.name) else { throw fail("cluster.name", "use 1 to 64 of A-Z a-z 0-9 - _ .") }
        for (key, path) in [
            ("data_dir", dataDirectory), ("tls_dir", tlsDirectory), ("gossip_key_file", gossipKeyFile),
            ("admin_token_file", adminTokenFile),
        ] where path.isEmpty { throw fail(key, "must not be empty") }
        guard !listen.host.isEmpty else {
            throw fail("listen.host", "must not be empty; 127.0.0.1 for this machine alone, 0.0.0.0 for all")
        }
        for (key, port) in [("listen.peer", listen.peer), ("listen.gossip", listen.gossip), ("listen.http", listen.http)] {
            try range(key, port, 0...65_535)
        }
        guard listen.peer == 0 || listen.peer != listen.http else { throw fail("listen.http", "is the same port as listen.peer") }
        try checkMembers(file)
        if let nfs {
            try range("nfs.port", nfs.port, 0...65_535)
            guard nfs.port == 0 || nfs.port != listen.http && nfs.port != listen.peer else {
                throw fail("nfs.port", "is the same port as listen.http or listen.peer")
            }
            guard ["root", "none", "all"].contains(nfs.squash) else { throw fail("nfs.squash", "is root, none or all") }
            try range("nfs.connections", nfs.connections, 1...65_536)
        }
        try range("http.request_limit", http.requestLimit, 16...65_536)
        try range("http.window_bytes", http.windowBytes, 65_536...4_194_304)
        try range("http.windows_in_flight", http.windowsInFlight, 1...64)
        try range("limits.cache_bytes", limits.cacheBytes, 16 << 20...1 << 40)
        try range("limits.disk_reserve_bytes", limits.diskReserveBytes, 64 << 20...1 << 50)
        try range("limits.sessions", limits.sessions, 16...1_000_000)
        try range("limits.weight", limits.weight, 1...1_048_576)
        try range("limits.replica_grace_s", limits.replicaGraceSeconds, 5...86_400)
        guard node.id > 0 else { throw fail("node.id", "is the number in the node's certificate, from 1") }
        try range("limits.scrub_bytes_per_s", limits.scrubBytesPerSecond, 64 << 10...10 << 30)
        try range("limits.upkeep_interval_s", limits.upkeepIntervalSeconds, 1...86_400)
        try range("limits.garbage_grace_s", limits.garbageGraceSeconds, 1...2_592_000)
        try range("limits.repair_bytes_per_s", limits.repairBytesPerSecond, 64 << 10...10 << 30)
    }

    private func checkMembers(_ file: String) throws(ConfigError) {
        func fail(_ key: String, _ reason: String) -> ConfigError { ConfigError(file: file, key: key, reason: reason) }
        guard seeds.count <= 64 else { throw fail("seeds", "name at most 64") }
        for (index, seed) in seeds.enumerated() {
            guard HostPort(seed) != nil else { throw fail("seeds[\(index)]", "\"\(seed.prefix(80))\" is no host:port") }
        }
        guard bootstrap.count <= 1_024 else { throw fail("bootstrap", "name at most 1,024") }
        for (index, member) in bootstrap.enumerated() {
            let key = "bootstrap[\(index)]"
            guard member.id == UInt64(index) + 1 else { throw fail("\(key).id", "numbers go 1, 2, … in order, so this is \(index + 1)") }
            guard Self.isName(member.name) else { throw fail("\(key).name", "use 1 to 64 of A-Z a-z 0-9 - _ .") }
            guard Self.isName(member.region) else { throw fail("\(key).region", "use 1 to 64 of A-Z a-z 0-9 - _ .") }
            for (name, address) in [("peer", member.peer), ("gossip", member.gossip), ("http", member.http)] {
                guard HostPort(address) != nil else { throw fail("\(key).\(name)", "\"\(address.prefix(80))\" is no host:port") }
            }
        }
        guard bootstrap.isEmpty || bootstrap.contains(where: { $0.id == node.id && $0.name == node.name && $0.region == node.region })
        else {
            throw fail("bootstrap", "does not name this node (\(node.id), \(node.name), \(node.region))")
        }
        guard !bootstrap.isEmpty || !seeds.isEmpty else {
            throw fail("seeds", "name a node to join by, or the first nodes under bootstrap")
        }
    }

    private static func isName(_ text: String) -> Bool {
        (1...64).contains(text.utf8.count)
            && text.utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "0")...UInt8(ascii: "9"),
                    UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: "."):
                    true
                default: false
                }
            }
    }
}

/// `host:port`, with IPv6 addresses in brackets.
package struct HostPort: Hashable, Sendable, CustomStringConvertible {
    package let host: String
    package let port: Int

    package init(host: String, port: Int) {
        self.host = host
        self.port = port
    }

    package init?(_ text: String) {
        guard let colon = text.lastIndex(of: ":"), let port = Int(text[text.index(after: colon)...]), (0...65_535).contains(port) else {
            return nil
        }
        var host = text[..<colon]
        if host.hasPrefix("["), host.hasSuffix("]") { host = host.dropFirst().dropLast() } else if host.contains(":") { return nil }
        guard !host.isEmpty, host.utf8.count <= 255 else { return nil }
        self.init(host: String(host), port: port)
    }

    package var description: String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }
}
