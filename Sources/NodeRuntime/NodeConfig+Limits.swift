/// Settings of the HTTP server.
package struct HTTPSettings: Sendable, Hashable, Codable {
    /// Whether `/metrics` answers without a token. Default no. Advice: only where the network is trusted.
    package var openMetrics = false
    /// Whether faults may be injected through the API. Default no; `atoll up` says yes.
    package var allowFaults = false
    /// Requests in progress at once. Default 1,024, range 16 to 65,536.
    package var requestLimit = 1_024
    /// Bytes of a window of a streamed file. Default 1 MiB, range 64 KiB to 4 MiB.
    package var windowBytes = 1 << 20
    /// Windows in flight per stream. Default 4, range 1 to 64. Advice: round trip × wanted rate ÷ window.
    package var windowsInFlight = 4

    package init() {}

    package enum CodingKeys: String, CodingKey, CaseIterable {
        case openMetrics = "open_metrics"
        case allowFaults = "allow_faults"
        case requestLimit = "request_limit"
        case windowBytes = "window_bytes"
        case windowsInFlight = "windows_in_flight"
    }

    package init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: CodingKeys.self)
        openMetrics = try values.decodeIfPresent(Bool.self, forKey: .openMetrics) ?? openMetrics
        allowFaults = try values.decodeIfPresent(Bool.self, forKey: .allowFaults) ?? allowFaults
        requestLimit = try values.decodeIfPresent(Int.self, forKey: .requestLimit) ?? requestLimit
        windowBytes = try values.decodeIfPresent(Int.self, forKey: .windowBytes) ?? windowBytes
        windowsInFlight = try values.decodeIfPresent(Int.self, forKey: .windowsInFlight) ?? windowsInFlight
    }
}

/// Settings of the NFS server. Without them NFS is not served: it believes what its clients' machines say of their users.
package struct NFSSettings: Sendable, Hashable, Codable {
    /// TCP, on `listen.host`. Default 2049, range 0 to 65,535; 0 takes a free one at each start.
    package var port = 2_049
    /// Whose word counts: `root` makes user 0 nobody, `all` everybody, `none` nobody. Default root. Advice: none only
    /// where every machine that reaches the port is trusted.
    package var squash = "root"
    /// Connections at once. Default 1,024, range 1 to 65,536.
    package var connections = 1_024

    package init(port: Int = 2_049) { self.port = port }

    package enum CodingKeys: String, CodingKey, CaseIterable { case port, squash, connections }

    package init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: CodingKeys.self)
        port = try values.decodeIfPresent(Int.self, forKey: .port) ?? port
        squash = try values.decodeIfPresent(String.self, forKey: .squash) ?? squash
        connections = try values.decodeIfPresent(Int.self, forKey: .connections) ?? connections
    }
}

/// What a node may use of its machine.
package struct NodeLimits: Sendable, Hashable, Codable {
    /// Bytes of chunks kept in memory. Default 256 MiB, range 16 MiB to 1 TiB. Advice: a quarter of
    /// the memory on a machine of its own.
    package var cacheBytes: UInt64 = 256 << 20
    /// Bytes of the disk that stay free: writes are refused with ENOSPC before that, reads go on.
    /// Default 1 GiB, range 64 MiB to 1 PiB. Advice: enough for a day of logs and a compaction.
    package var diskReserveBytes: UInt64 = 1 << 30
    /// Sessions open at once. Default 4,096, range 16 to 1,000,000.
    package var sessions = 4_096
    /// Share of chunks and replicas that the node gets, next to the others of its region. Default 100,
    /// range 1 to 1,048,576. Advice: the capacity of its disk in GiB.
    package var weight: UInt32 = 100
    /// Bytes a second that scrubbing re-reads. Default 8 MiB, range 64 KiB to 10 GiB.
    package var scrubBytesPerSecond: UInt64 = 8 << 20
    /// Seconds between two rounds over all names, in which missing chunks are found and garbage is swept.
    /// Default 600, range 1 to 86,400.
    package var upkeepIntervalSeconds: UInt64 = 600
    /// Seconds for which nobody must have stored a chunk before it may be swept. Default 1,800, range 1 to
    /// 2,592,000. Advice: under 600 for tests only; a commit whose copies take longer must make them again.
    package var garbageGraceSeconds: UInt64 = 1_800
    /// Bytes a second that are fetched to make up for missing chunks. Default 32 MiB, range 64 KiB to 10 GiB.
    package var repairBytesPerSecond: UInt64 = 32 << 20

    /// A quarter of the grace.
    var touchSpan: Duration { .milliseconds(garbageGraceSeconds * 250) }

    /// Seconds after which the replicas of a node that is dead are put on another one. Default 300, range 5
    /// to 86,400; that of the catalog's leader counts. Advice: longer than a machine takes to start again.
    package var replicaGraceSeconds = 300

    package init() {}

    package enum CodingKeys: String, CodingKey, CaseIterable {
        case sessions, weight
        case replicaGraceSeconds = "replica_grace_s"
        case cacheBytes = "cache_bytes"
        case diskReserveBytes = "disk_reserve_bytes"
        case scrubBytesPerSecond = "scrub_bytes_per_s"
        case upkeepIntervalSeconds = "upkeep_interval_s"
        case garbageGraceSeconds = "garbage_grace_s"
        case repairBytesPerSecond = "repair_bytes_per_s"
    }

    package init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: CodingKeys.self)
        cacheBytes = try values.decodeIfPresent(UInt64.self, forKey: .cacheBytes) ?? cacheBytes
        diskReserveBytes = try values.decodeIfPresent(UInt64.self, forKey: .diskReserveBytes) ?? diskReserveBytes
        sessions = try values.decodeIfPresent(Int.self, forKey: .sessions) ?? sessions
        weight = try values.decodeIfPresent(UInt32.self, forKey: .weight) ?? weight
        replicaGraceSeconds = try values.decodeIfPresent(Int.self, forKey: .replicaGraceSeconds) ?? replicaGraceSeconds
        scrubBytesPerSecond = try values.decodeIfPresent(UInt64.self, forKey: .scrubBytesPerSecond) ?? scrubBytesPerSecond
        upkeepIntervalSeconds = try values.decodeIfPresent(UInt64.self, forKey: .upkeepIntervalSeconds) ?? upkeepIntervalSeconds
        garbageGraceSeconds = try values.decodeIfPresent(UInt64.self, forKey: .garbageGraceSeconds) ?? garbageGraceSeconds
        repairBytesPerSecond = try values.decodeIfPresent(UInt64.self, forKey: .repairBytesPerSecond) ?? repairBytesPerSecond
    }
}
