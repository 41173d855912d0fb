internal import Workloads

/// At which round trip between client and primary region the answer flips, for one operation of one
/// workload (cold).
///
/// Model, for each kind: `time(R) = home + trips × R`, where *home* is the median measured from a
/// client in the primary region (it holds the wait for a majority of regions, which does not depend
/// on the client's distance), and *trips* is the count of wide-area round trips measured from the
/// farthest region minus the count at home. Operations that move many bytes also wait for windows,
/// whose number nobody counts: for them *home* is the mean, and *trips* is what the farthest region
/// took longer, divided by its round trip. The lines cross at
/// `R* = (home_volume − home_nfs) ÷ (trips_nfs − trips_volume)`.
package struct Crossover: Codable, Sendable, Equatable {
    package enum Answer: String, Codable, Sendable {
        /// Network file system below `rtt_ms`, volume above.
        case flips
        /// Volume below, network file system above.
        case flipsBack = "flips-back"
        case volumeAlways = "volume-always"
        case nfsAlways = "nfs-always"
    }

    package var workload: String
    package var operation: String
    package var nfsHomeMs: Double
    package var nfsTrips: Double
    package var volumeHomeMs: Double
    package var volumeTrips: Double
    /// Whether *trips* is counted or, for operations on many bytes, read off the times.
    package var counted: Bool
    package var answer: Answer
    /// Where the lines cross; null where they do not, or nearer than regions are.
    package var rttMs: Double?
    /// The farthest region's round trip, and network file system ÷ volume by the model at home and there.
    package var farRttMs: Double
    package var homeFactor: Double
    package var farFactor: Double

    /// Below this round trip, in milliseconds, two are in one region: a crossing there says that they are
    /// even at home, and that distance decides.
    package static let nearest = 1.0

    package func nfs(at rtt: Double) -> Double { nfsHomeMs + nfsTrips * rtt }
    package func volume(at rtt: Double) -> Double { volumeHomeMs + volumeTrips * rtt }

    package init(
        workload: String, operation: String, nfsHomeMs: Double, nfsTrips: Double, volumeHomeMs: Double, volumeTrips: Double,
        counted: Bool = true, farRttMs: Double = 0
    ) {
        self.workload = workload
        self.operation = operation
        self.nfsHomeMs = nfsHomeMs
        self.nfsTrips = nfsTrips
        self.volumeHomeMs = volumeHomeMs
        self.volumeTrips = volumeTrips
        self.counted = counted
        let slope = nfsTrips - volumeTrips
        let head = volumeHomeMs - nfsHomeMs
        switch (slope > 0, head > 0) {
        case (true, true): answer = .flips
        case (true, false): answer = .volumeAlways
        case (false, true): answer = .nfsAlways
        case (false, false): answer = slope == 0 || head == 0 ? .volumeAlways : .flipsBack
        }
        if answer == .flips || answer == .flipsBack, head / slope < Self.nearest {
            answer = answer == .flips ? .volumeAlways : .nfsAlways
        }
        rttMs = answer == .flips || answer == .flipsBack ? Figure.rounded(head / slope, 2) : nil
        func factor(_ rtt: Double) -> Double {
            Figure.rounded((nfsHomeMs + nfsTrips * rtt) / max(volumeHomeMs + volumeTrips * rtt, 1e-6), 3)
        }
        self.farRttMs = farRttMs
        homeFactor = factor(0)
        farFactor = factor(farRttMs)
    }

    static func all(_ report: ComparisonReport) -> [Crossover] {
        guard let far = report.farthest else { return [] }
        let home = report.map.primary
        var out: [Crossover] = []
        for workload in report.workloads {
            for operation in report.operations(of: workload.name) {
                guard WorkloadOperation(rawValue: operation)?.isContended != true,
                    let nfs = line(report, workload.name, "nfs", operation, home, far.id),
                    let volume = line(report, workload.name, "volume", operation, home, far.id)
                else { continue }
                out.append(
                    Crossover(
                        workload: workload.name, operation: operation, nfsHomeMs: nfs.home, nfsTrips: nfs.trips, volumeHomeMs: volume.home,
                        volumeTrips: volume.trips, counted: !isBulk(operation),
                        farRttMs: report.rtt(far.id)))
            }
        }
        return out
    }

    private static func isBulk(_ operation: String) -> Bool { WorkloadOperation(rawValue: operation)?.isBulk ?? false }

    private static func line(
        _ report: ComparisonReport, _ workload: String, _ kind: String, _ operation: String, _ home: String, _ far: String
    ) -> (home: Double, trips: Double)? {
        guard let near = report.row(workload, kind, home, operation, "cold"), let local = near.p50Ms,
            let away = report.row(workload, kind, far, operation, "cold"), away.samples > 0
        else { return nil }
        if near.isBulk, let home = near.meanMs, let afar = away.meanMs, report.rtt(far) > 0 {
            return (home, Figure.rounded(max(0, (afar - home) / report.rtt(far)), 2))
        }
        return (local, max(0, away.wanRoundTripsMedian - near.wanRoundTripsMedian))
    }
}

/// How many files must be written for one commit before a volume's commit (and a reader's reload)
/// costs less than writing each file through to the primary region.
package struct BatchCrossover: Codable, Sendable, Equatable {
    package var workload: String
    package var region: String
    package var nfsMs: Double
    package var volumeMs: Double
    package var commitMs: Double
    package var reloadMs: Double
    /// Null where the network file system is faster for any number.
    package var files: Int?

    static func all(_ report: ComparisonReport) -> [BatchCrossover] {
        var out: [BatchCrossover] = []
        for workload in report.workloads {
            for region in report.regionsByDistance {
                guard let nfs = report.p50(workload.name, "nfs", region.id, "create-write-close"),
                    let volume = report.p50(workload.name, "volume", region.id, "create-write-close"),
                    let commit = report.p50(workload.name, "volume", region.id, "commit")
                else { continue }
                let reload = report.p50(workload.name, "volume", region.id, "reload") ?? 0
                let gain = nfs - volume
                out.append(
                    BatchCrossover(
                        workload: workload.name, region: region.id, nfsMs: nfs, volumeMs: volume, commitMs: commit, reloadMs: reload,
                        files: gain > 0 ? max(1, Int(((commit + reload) / gain).rounded(.up))) : nil))
            }
        }
        return out
    }
}
