import Filesystem
package import Primitives
import Workloads

/// What users saw over the time of a run, in slices of equal length: how much was done, how much failed, how
/// long it took; and when what went wrong. At most 600 slices: where a run is longer, slices become so.
package struct RunTimeline: Sendable {
    package enum Kind: String, Sendable, CaseIterable {
        case nfs, volume, commit
    }

    package struct Slice: Sendable {
        package var done: UInt32 = 0
        package var failed: UInt32 = 0
        /// Latencies of what was done, in microseconds; the first 64.
        package var latencies: [Int32] = []

        /// In milliseconds; nil where nothing was done.
        package var median: Double? {
            guard !latencies.isEmpty else { return nil }
            return Double(latencies.sorted()[latencies.count / 2]) / 1_000
        }
    }

    /// One kind of work from one region: reads and writes of either kind of file system, or commits.
    package struct Series: Sendable {
        package let kind: Kind
        package let region: RegionID
        package var slices: [Slice] = []
        var lastDone: Int64
        /// The longest time in which nothing succeeded though somebody tried; in nanoseconds of the run.
        package var longestGap: Int64 = 0
        package var gapBegan: Int64 = 0
        var hasFailedSince = false
    }

    package struct Mark: Sendable, Hashable {
        /// Nanoseconds of the run.
        package let at: Int64
        package let text: String
    }

    /// In nanoseconds.
    package private(set) var sliceLength: Int64 = 1_000_000_000
    package private(set) var series: [Series] = []
    package private(set) var faults: [Mark] = []
    package private(set) var phases: [Mark] = []
    /// Bytes carried from one region to another.
    package internal(set) var traffic: [Traffic] = []

    package struct Traffic: Sendable, Hashable {
        package let from: RegionID
        package let to: RegionID
        package let bytes: Int64
    }

    /// The cluster is up, or was to be.
    var hasBegun: Bool { phases.count > 1 }

    static let sliceLimit = 600
    static let markLimit = 400

    mutating func mark(fault text: String, at time: Int64) {
        if faults.count < Self.markLimit { faults.append(Mark(at: time, text: text)) }
    }

    mutating func mark(phase text: String, at time: Int64) { phases.append(Mark(at: time, text: text)) }

    /// A job ended at `time`; it had begun `latency` before.
    mutating func note(_ kind: Kind, _ region: RegionID, at time: Int64, latency: Int64, isDone: Bool) {
        let place = place(of: kind, region, began: time - latency)
        while Int(time / sliceLength) >= Self.sliceLimit { halve() }
        let slice = Int(time / sliceLength)
        while series[place].slices.count <= slice { series[place].slices.append(Slice()) }
        guard isDone else {
            series[place].slices[slice].failed += 1
            series[place].hasFailedSince = true
            return
        }
        series[place].slices[slice].done += 1
        if series[place].slices[slice].latencies.count < 64 {
            series[place].slices[slice].latencies.append(Int32(clamping: latency / 1_000))
        }
        // A gap without a failed attempt is the clients' own pause: then only what this one waited counts.
        let began = series[place].hasFailedSince ? series[place].lastDone : max(series[place].lastDone, time - latency)
        if time - began > series[place].longestGap {
            series[place].longestGap = time - began
            series[place].gapBegan = began
        }
        series[place].lastDone = time
        series[place].hasFailedSince = false
    }

    private mutating func place(of kind: Kind, _ region: RegionID, began: Int64) -> Int {
        if let known = series.firstIndex(where: { $0.kind == kind && $0.region == region }) { return known }
        series.append(Series(kind: kind, region: region, lastDone: began))
        series.sort { ($0.kind.rawValue, $0.region) < ($1.kind.rawValue, $1.region) }
        return series.firstIndex { $0.kind == kind && $0.region == region }!
    }

    private mutating func halve() {
        sliceLength *= 2
        for place in series.indices {
            var merged: [Slice] = []
            for (number, slice) in series[place].slices.enumerated() {
                if number % 2 == 0 {
                    merged.append(slice)
                } else {
                    merged[number / 2].done += slice.done
                    merged[number / 2].failed += slice.failed
                    merged[number / 2].latencies = Array((merged[number / 2].latencies + slice.latencies).prefix(64))
                }
            }
            series[place].slices = merged
        }
    }
}

extension World {
    /// What a client's job came to, for the time line.
    mutating func noteJob(_ index: Int, _ job: Job, isDone: Bool) {
        // What verifies in the end is nobody's work.
        guard timeline != nil, job.kind != .status, clients[index].script == nil else { return }
        let kind: RunTimeline.Kind
        switch (filesystems[clients[index].plan.filesystem].kind, job.kind) {
        case (.nfs, _): kind = .nfs
        case (.volume, .commit): kind = .commit
        case (.volume, _): kind = .volume
        }
        timeline?.note(
            kind, hosts[clients[index].node].region, at: now, latency: now - job.began - (job.isHolding ? job.hold : 0), isDone: isDone)
    }

    mutating func closeTimeline() {
        guard timeline != nil else { return }
        var traffic: [RunTimeline.Traffic] = []
        for (from, a) in options.map.regions.enumerated() {
            for (to, b) in options.map.regions.enumerated() where linkBytes[from * regionCount + to] > 0 {
                traffic.append(.init(from: a.id, to: b.id, bytes: Int64(clamping: linkBytes[from * regionCount + to])))
            }
        }
        timeline?.traffic = traffic
    }
}
