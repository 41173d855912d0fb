import APIClient

/// What the write-ahead log of a node has done, from its metrics.
struct LogCounters: Sendable {
    var syncs = 0.0
    var syncNanoseconds = 0.0

    static func read(_ client: APIClient) async throws -> LogCounters {
        let metrics = try await client.metrics()
        func value(_ name: String) -> Double {
            let line = metrics.split(separator: "\n").first { $0.hasPrefix(name + " ") }
            return line.flatMap { $0.split(separator: " ").last }.flatMap { Double($0) } ?? 0
        }
        return LogCounters(syncs: value("atoll_log_syncs_total"), syncNanoseconds: value("atoll_log_sync_nanoseconds_total"))
    }

    static func - (a: LogCounters, b: LogCounters) -> LogCounters {
        LogCounters(syncs: a.syncs - b.syncs, syncNanoseconds: a.syncNanoseconds - b.syncNanoseconds)
    }

    var meanMilliseconds: Double? { syncs > 0 ? syncNanoseconds / syncs / 1e6 : nil }
}
