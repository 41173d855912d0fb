package import Filesystem
package import Primitives

/// The samples of one operation from one region on one kind, cold or warm, over all repetitions,
/// and what is read off them. Samples are few (tens), so percentiles are exact: sorted, with linear
/// interpolation between the two nearest ranks (Hyndman and Fan's type 7, the default of R and
/// NumPy). Failed samples count as errors and not in the latencies.
package struct Measurement: Sendable {
    package struct Key: Hashable, Comparable, Sendable {
        package var workload: String
        package var kind: FilesystemKind
        package var region: RegionID
        package var operation: WorkloadOperation
        package var cache: CacheState
        package init(workload: String, kind: FilesystemKind, region: RegionID, operation: WorkloadOperation, cache: CacheState) {
            self.workload = workload
            self.kind = kind
            self.region = region
            self.operation = operation
            self.cache = cache
        }
        package static func < (a: Key, b: Key) -> Bool {
            (a.workload, a.kind.rawValue, a.region, a.operation.rawValue, a.cache)
                < (b.workload, b.kind.rawValue, b.region, b.operation.rawValue, b.cache)
        }
    }

    /// Samples kept of one key at most; more are counted and left out.
    package static let samplesMax = 100_000

    package let key: Key
    /// Latencies of good samples in milliseconds, by repetition, in order of arrival.
    package private(set) var latencies: [[Double]] = []
    package private(set) var total = Duration.zero
    package private(set) var count = 0
    package private(set) var bytesRead: UInt64 = 0
    package private(set) var bytesWritten: UInt64 = 0
    package private(set) var cost = OperationCost()
    package private(set) var roundTrips: [UInt32] = []
    package private(set) var errors = 0
    /// How often each cause, in order of first occurrence.
    package private(set) var errorCodes: [(cause: String, count: Int)] = []
    /// Time spent in operations that failed because the file system was not to be reached; under faults
    /// the spans in which none succeeded.
    package private(set) var unavailable = Duration.zero
    package private(set) var wideAreaBytes: UInt64 = 0

    package init(key: Key) { self.key = key }

    package mutating func add(_ sample: Sample) {
        wideAreaBytes += sample.cost.wideAreaBytes
        if let outage = sample.outage { unavailable += outage }
        if let failure = sample.failure {
            errors += 1
            count(failure.code)
            let isAway = failure.code == .unavailable || failure.code == .timedOut
            if isAway, sample.outage == nil { unavailable += sample.latency }
            return
        }
        count += 1
        total += sample.latency
        bytesRead += sample.bytesRead
        bytesWritten += sample.bytesWritten
        cost = cost + sample.cost
        guard roundTrips.count < Self.samplesMax else { return }
        while latencies.count <= sample.repetition { latencies.append([]) }
        latencies[sample.repetition].append(sample.latency.inMilliseconds)
        roundTrips.append(sample.cost.wideAreaRoundTrips)
    }

    private mutating func count(_ code: FileFailure.Code) {
        if let known = errorCodes.firstIndex(where: { $0.cause == code.word }) {
            errorCodes[known].count += 1
        } else {
            errorCodes.append((code.word, 1))
        }
    }

    /// The latency that a share of the samples did not exceed, in milliseconds; nil without samples.
    package func percentile(_ share: Double) -> Double? { Self.percentile(share, of: latencies.flatMap { $0 }) }

    package static func percentile(_ share: Double, of values: [Double]) -> Double? {
        let sorted = values.sorted()
        guard let last = sorted.last else { return nil }
        let rank = share * Double(sorted.count - 1)
        let low = Int(rank)
        guard low + 1 < sorted.count else { return last }
        return sorted[low] + (rank - Double(low)) * (sorted[low + 1] - sorted[low])
    }

    /// The median of each repetition that has samples.
    package var repetitionMedians: [Double] { latencies.compactMap { Self.percentile(0.5, of: $0) } }

    /// Wide-area round trips of an operation: the mean, and the median.
    package var meanRoundTrips: Double { count == 0 ? 0 : Double(cost.wideAreaRoundTrips) / Double(count) }
    package var medianRoundTrips: Double { Self.percentile(0.5, of: roundTrips.map(Double.init)) ?? 0 }

    package var seconds: Double { Double(total.inNanoseconds) / 1e9 }
    package var operationsPerSecond: Double { seconds > 0 ? Double(count) / seconds : 0 }
    package var mebibytesPerSecond: Double { seconds > 0 ? Double(bytesRead + bytesWritten) / 1_048_576 / seconds : 0 }

    /// US dollars for the wide-area bytes: what was written goes towards the primary region, the rest comes from it.
    package func dollars(map: RegionMap, primary: RegionID) -> Double {
        guard key.region != primary, let towards = map.link(from: key.region, to: primary),
            let back = map.link(from: primary, to: key.region)
        else { return Double(wideAreaBytes) / 1e9 * meanEgress(map, from: key.region) }
        let written = min(wideAreaBytes, bytesWritten)
        let read = wideAreaBytes - written
        return Double(written) / 1e9 * towards.dollarsPerGigabyte + Double(read) / 1e9 * back.dollarsPerGigabyte
    }

    private func meanEgress(_ map: RegionMap, from region: RegionID) -> Double {
        let prices = map.links.filter { $0.from == region }.map(\.dollarsPerGigabyte)
        return prices.isEmpty ? 0 : prices.reduce(0, +) / Double(prices.count)
    }
}

/// All measurements of a run, in order of key.
package struct MeasurementTable: Sendable {
    package private(set) var rows: [Measurement] = []
    private var index: [Measurement.Key: Int] = [:]  // looked up only

    package init() {}

    package mutating func add(_ sample: Sample) {
        let key = Measurement.Key(
            workload: sample.workload, kind: sample.kind, region: sample.region, operation: sample.operation, cache: sample.cache)
        let place: Int
        if let known = index[key] {
            place = known
        } else {
            place = rows.count
            index[key] = place
            rows.append(Measurement(key: key))
        }
        rows[place].add(sample)
    }

    package subscript(key: Measurement.Key) -> Measurement? { index[key].map { rows[$0] } }
    package var sorted: [Measurement] { rows.sorted { $0.key < $1.key } }
}
