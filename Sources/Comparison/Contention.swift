internal import Filesystem
internal import Primitives
internal import Reports
internal import Workloads

/// What clients that want the same thing came to together, over all repetitions.
struct Contention: Sendable {
    private struct Line {
        var workload: String
        var kind: FilesystemKind
        var clients: Int
        var updates = 0
        var refused = 0
        var took = Duration.zero
        var refusal: FileFailure?
    }
    private var lines: [Line] = []

    mutating func add(_ workload: String, _ kind: FilesystemKind, clients: Int, _ results: [CellResult], took: Duration) {
        let place = lines.firstIndex { $0.workload == workload && $0.kind == kind } ?? lines.count
        if place == lines.count { lines.append(Line(workload: workload, kind: kind, clients: clients)) }
        for result in results {
            lines[place].updates += result.samples.count { $0.operation == .contendedUpdate && $0.failure == nil }
            lines[place].refused += result.samples.count { $0.operation == .tryCommit && $0.failure?.code == .conflict }
            if let refusal = (result.cursor as? WorkloadCursor)?.refusal { lines[place].refusal = refusal }
        }
        lines[place].took += took
    }

    /// Throughput of all clients together, how often another was first, and with what words a volume refuses a lock.
    var notes: [String] {
        lines.map { line in
            let seconds = max(line.took.inMilliseconds / 1_000, 0.001)
            var text =
                "\(line.workload), \(line.kind.noun): \(line.clients) clients at once changed the record \(line.updates) times in "
                + "\(Figure.duration(line.took.inMilliseconds)), \(Figure.count(Double(line.updates) / seconds)) a second"
            if line.kind == .volume {
                text += "; \(line.refused) commits were refused because another was first, and tried again"
                if let refusal = line.refusal { text += ". A lock is refused: “\(refusal)”" }
            }
            return text + "."
        }
    }
}
