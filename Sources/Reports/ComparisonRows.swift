internal import Workloads

/// One line of the comparison: an operation of a workload on a kind, from a region, cold or warm.
package struct ResultRow: Codable, Sendable, Equatable {
    package var workload: String
    /// `nfs` or `volume`.
    package var kind: String
    /// Where the client is.
    package var region: String
    package var operation: String
    /// `cold` or `warm`.
    package var cache: String
    /// `live` or `simulated`.
    package var world: String
    /// Operations that went well; percentiles are over these, exact, linearly interpolated.
    package var samples: Int
    /// Null where no sample went well.
    package var p50Ms: Double?
    package var p90Ms: Double?
    package var p99Ms: Double?
    /// Content read and written ÷ time in the operation, one client; null for operations without content.
    package var mibPerS: Double?
    package var operationsPerS: Double
    /// Wide-area round trips of one operation: the mean, and the median.
    package var wanRoundTrips: Double
    package var wanRoundTripsMedian: Double
    /// Bytes over wide-area links on behalf of all samples, and their price by the map.
    package var wanBytes: UInt64
    package var costUsd: Double
    package var errors: Int
    /// Their causes with counts, such as `conflict 3`.
    package var errorCodes: [String]
    /// Time spent in operations that failed because the file system was not to be reached.
    package var unavailableMs: Double
    package var repetitions: Int
    package var spread: Spread

    /// The least and greatest median of a repetition, and the median distance of the repetitions'
    /// medians from their own median.
    package struct Spread: Codable, Sendable, Equatable {
        package var p50MinMs: Double?
        package var p50MaxMs: Double?
        package var madMs: Double?
        package init(p50MinMs: Double?, p50MaxMs: Double?, madMs: Double?) {
            self.p50MinMs = p50MinMs
            self.p50MaxMs = p50MaxMs
            self.madMs = madMs
        }

        package func encode(to encoder: any Encoder) throws {
            var row = encoder.container(keyedBy: CodingKeys.self)
            try row.encode(p50MinMs, forKey: .p50MinMs)
            try row.encode(p50MaxMs, forKey: .p50MaxMs)
            try row.encode(madMs, forKey: .madMs)
        }
    }

    /// The mean time of an operation that went well.
    package var meanMs: Double? { operationsPerS > 0 ? 1_000 / operationsPerS : nil }

    /// Whether the operation moves many bytes.
    package var isBulk: Bool { WorkloadOperation(rawValue: operation)?.isBulk ?? false }

    /// The median; for operations on many bytes the mean: readahead makes their times two-humped,
    /// and a median would hide the waits.
    package var typicalMs: Double? { isBulk ? meanMs : p50Ms }

    package init(
        workload: String, kind: String, region: String, operation: String, cache: String, world: String, samples: Int, p50Ms: Double?,
        p90Ms: Double?, p99Ms: Double?, mibPerS: Double?, operationsPerS: Double, wanRoundTrips: Double, wanRoundTripsMedian: Double,
        wanBytes: UInt64, costUsd: Double, errors: Int, errorCodes: [String] = [], unavailableMs: Double, repetitions: Int, spread: Spread
    ) {
        self.workload = workload
        self.kind = kind
        self.region = region
        self.operation = operation
        self.cache = cache
        self.world = world
        self.samples = samples
        self.p50Ms = p50Ms
        self.p90Ms = p90Ms
        self.p99Ms = p99Ms
        self.mibPerS = mibPerS
        self.operationsPerS = operationsPerS
        self.wanRoundTrips = wanRoundTrips
        self.wanRoundTripsMedian = wanRoundTripsMedian
        self.wanBytes = wanBytes
        self.costUsd = costUsd
        self.errors = errors
        self.errorCodes = errorCodes
        self.unavailableMs = unavailableMs
        self.repetitions = repetitions
        self.spread = spread
    }

    /// Every row has every key: what is not known is null. The synthesized encoding would leave it out.
    package func encode(to encoder: any Encoder) throws {
        var row = encoder.container(keyedBy: CodingKeys.self)
        try row.encode(workload, forKey: .workload)
        try row.encode(kind, forKey: .kind)
        try row.encode(region, forKey: .region)
        try row.encode(operation, forKey: .operation)
        try row.encode(cache, forKey: .cache)
        try row.encode(world, forKey: .world)
        try row.encode(samples, forKey: .samples)
        try row.encode(p50Ms, forKey: .p50Ms)
        try row.encode(p90Ms, forKey: .p90Ms)
        try row.encode(p99Ms, forKey: .p99Ms)
        try row.encode(mibPerS, forKey: .mibPerS)
        try row.encode(operationsPerS, forKey: .operationsPerS)
        try row.encode(wanRoundTrips, forKey: .wanRoundTrips)
        try row.encode(wanRoundTripsMedian, forKey: .wanRoundTripsMedian)
        try row.encode(wanBytes, forKey: .wanBytes)
        try row.encode(costUsd, forKey: .costUsd)
        try row.encode(errors, forKey: .errors)
        try row.encode(errorCodes, forKey: .errorCodes)
        try row.encode(unavailableMs, forKey: .unavailableMs)
        try row.encode(repetitions, forKey: .repetitions)
        try row.encode(spread, forKey: .spread)
    }
}

/// Bytes that crossed one direction of a link during a phase (all that nodes send each other but gossip).
package struct TrafficRow: Codable, Sendable, Equatable {
    package var workload: String
    package var kind: String
    /// `prepare` or `measure`.
    package var phase: String
    package var from: String
    package var to: String
    package var bytes: UInt64
    package var usd: Double
    package init(workload: String, kind: String, phase: String, from: String, to: String, bytes: UInt64, usd: Double) {
        self.workload = workload
        self.kind = kind
        self.phase = phase
        self.from = from
        self.to = to
        self.bytes = bytes
        self.usd = usd
    }
}

/// What putting second versions moved over wide-area links, beside their size.
package struct DedupRow: Codable, Sendable, Equatable {
    package var workload: String
    package var kind: String
    package var region: String
    /// Bytes of the second versions that were put, all repetitions.
    package var logicalBytes: UInt64
    /// Bytes over all links while they were put and placed, both directions.
    package var wanBytes: UInt64
    /// Times that the content has to cross a wide-area link at least: to each other region that
    /// keeps it (volume), or to the primary region from elsewhere (network file system).
    package var destinations: Int
    /// 1 − wan_bytes ÷ (logical_bytes × destinations); null where nothing had to cross.
    package var saved: Double?
    package init(workload: String, kind: String, region: String, logicalBytes: UInt64, wanBytes: UInt64, destinations: Int) {
        self.workload = workload
        self.kind = kind
        self.region = region
        self.logicalBytes = logicalBytes
        self.wanBytes = wanBytes
        self.destinations = destinations
        let needed = Double(logicalBytes) * Double(destinations)
        saved = needed > 0 ? Figure.rounded(1 - Double(wanBytes) / needed, 4) : nil
    }
}
