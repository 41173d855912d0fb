import Foundation

/// How many cores other programs kept busy while something was measured. Figures of a machine that
/// does other things tell of those too: a thread that waits for a core looks like a slow disk.
struct OtherWork: Sendable {
    private let began = BenchClock.nanoseconds
    private let busy = OtherWork.busyNanoseconds
    private let own: Int64

    /// `own` is the processor time, so far, of what is measured.
    init(own: Int64 = BenchClock.processorNanoseconds) { self.own = own }

    /// Cores, on average since the start.
    func cores(own now: Int64 = BenchClock.processorNanoseconds) -> Double {
        let elapsed = Double(max(1, BenchClock.nanoseconds - began))
        return max(0, Double(Self.busyNanoseconds - busy - (now - own)) / elapsed)
    }

    /// A line of warning from a tenth of a core on.
    static func note(_ cores: Double) -> String? {
        guard cores >= 0.1 else { return nil }
        return "Other programs used \(String(format: "%.1f", cores)) of \(ProcessInfo.processInfo.activeProcessorCount) cores meanwhile: "
            + "times by the clock are too long; measure again on an idle machine."
    }

    /// Of all cores, since boot: the first line of `/proc/stat` without idle and the wait for disks.
    private static var busyNanoseconds: Int64 {
        let fields = ((try? LocalFiles.text("/proc/stat")) ?? "").prefix { $0 != "\n" }.split(separator: " ").dropFirst().map {
            Int64($0) ?? 0
        }
        guard fields.count >= 7 else { return 0 }
        let ticks = fields[0] + fields[1] + fields[2] + fields[5] + fields[6]
        return ticks * (1_000_000_000 / Int64(max(1, sysconf(Int32(_SC_CLK_TCK)))))
    }
}
