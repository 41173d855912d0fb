import ArgumentParser
import Foundation

/// `atoll bench raft`: what a durable, replicated change costs with three processes on this machine.
struct BenchRaft: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "raft", abstract: "Measure replicated changes of three processes with fsync, next to this disk's fdatasync.",
        discussion: """
            Starts a cluster of its own, three nodes of one region on loopback in a temporary directory, and takes it down afterwards. 1, 64 and \
            1,000 clients each send their next request when the last was answered: first requests that touch no log, then changes that \
            three nodes replicate and sync.
            """)

    @Option(help: "How long each of the seven loops runs, 0.2 to 600.")
    var seconds = 5.0

    @Option(help: "Where the cluster's directory goes (default: TMPDIR, else /var/tmp).")
    var scratch: String?

    @OptionGroup var output: OutputOptions

    static let clientCounts = [1, 64, 1_000]
    /// Beside its connections a process needs files for logs, packs, peers and libraries.
    static let otherFiles = 256

    func validate() throws {
        guard (0.2...600).contains(seconds) else { throw ValidationError("--seconds must be 0.2 to 600") }
    }

    func run() async throws {
        let isJSON = output.json
        if !isJSON {
            if let note = Bench.buildNote { Terminal.error(note) }
            Terminal.line("\(Machine.processor). Three node processes on loopback, \(String(format: "%g", seconds)) s for each loop.")
        }
        let files = OpenFileLimit.raise(to: 8_192)
        let counts = Self.clientCounts.filter { $0 + Self.otherFiles <= files }
        let bound = Duration.milliseconds(Int64(seconds * 1_000))
        let figures = try await Interruptible.run("bench raft") { [scratch, seconds] stop in
            try await BenchDirectory.run("bench raft", in: scratch, needs: 3 << 30) { directory in
                let floor = min(bound, .seconds(3))
                let alone = try await SyncFloor.measure(writers: 1, in: directory.path, bound: floor, stop: stop)
                let together = try await SyncFloor.measure(
                    writers: BenchCluster.nodeCount, in: directory.path, bound: floor, stop: stop)
                let (rows, others) = try await telling("bench raft") {
                    try await BenchCluster.run(in: "\(directory.path)/cluster") { cluster in
                        func own() -> Int64 { BenchClock.processorNanoseconds + cluster.processorNanoseconds }
                        let others = OtherWork(own: own())
                        let rows = try await RaftBench(cluster: cluster, bound: bound, clientCounts: counts).run()
                        return (rows, others.cores(own: own()))
                    }
                }
                if Terminal.errorIsTerminal { Terminal.errorPart("\r\u{1b}[K") }
                return RaftFigures(
                    disk: directory.disk, note: directory.note, seconds: seconds, syncAlone: alone, syncTogether: together, rows: rows,
                    coresOfOthers: others,
                    skipped: Self.clientCounts.filter { !counts.contains($0) })
            }
        }
        if isJSON { Show.json { figures.write(to: &$0) } } else { figures.show() }
    }
}
