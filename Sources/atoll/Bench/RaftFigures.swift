import APISchema
import Foundation

/// What `bench raft` found.
struct RaftFigures: Sendable, JSONEncodable {
    var disk: String
    var note: String?
    var seconds: Double
    /// Nothing else running, before the cluster starts.
    var syncAlone: Latencies
    /// Three writers at once: what three logs on this one disk can hope for.
    var syncTogether: Latencies
    var rows: [RaftBench.Row]
    /// Counts of clients that were left out.
    var skipped: [Int]

    func show() {
        if let note { Terminal.error(note) }
        Terminal.line("fdatasync of a 4 KiB overwrite, nothing else running: \(Self.text(syncAlone)).")
        Terminal.line("The same by three writers at once, as three nodes share this disk: \(Self.text(syncTogether)).")
        var table = Table(
            ">Clients", "Request", ">Per second", ">p50 ms", ">p99 ms", ">Failed", ">Log syncs", ">Mean sync ms", ">CPU µs client",
            ">CPU µs nodes")
        for row in rows {
            let count = Double(row.outcome.latencies.count)
            table.add(
                "\(row.clients)", row.step.words, "\(Int(row.outcome.perSecond.rounded()))",
                Latencies.text(row.outcome.latencies.milliseconds(0.5)), Latencies.text(row.outcome.latencies.milliseconds(0.99)),
                "\(row.outcome.failures)", "\(Int(row.log.syncs))", Latencies.text(row.log.meanMilliseconds),
                "\(Int(Double(row.clientNanoseconds) / 1e3 / count))", "\(Int(Double(row.nodeNanoseconds) / 1e3 / count))")
        }
        table.show()
        Terminal.line("")
        for line in explanation { Terminal.line(line) }
        for row in rows {
            if let failure = row.outcome.firstFailure { Terminal.error("\(row.clients) clients: \(row.step.words): \(failure)") }
        }
        if !skipped.isEmpty {
            Terminal.error(
                "\(skipped.map(String.init).joined(separator: ", ")) clients left out: this machine lets a process open too few files")
        }
    }

    private static func text(_ latencies: Latencies) -> String {
        "p50 \(Latencies.text(latencies.milliseconds(0.5))) ms, p99 \(Latencies.text(latencies.milliseconds(0.99))) ms (\(latencies.count) times)"
    }

    private func median(_ clients: Int, _ step: RaftBench.Step) -> Double? {
        rows.first { $0.clients == clients && $0.step == step }?.outcome.latencies.milliseconds(0.5)
    }

    private var explanation: [String] {
        var lines = [
            "A latency is from the client's call to its answer: HTTP and JSON on loopback to the leader's node, and for a change the command in Raft's log, durable on the leader and on one follower at least, applied. "
                + "Per second counts answers, from the first request to the last answer. Log syncs and their mean are the leader's; CPU is per answer, of this process and of the three nodes. All share \(ProcessInfo.processInfo.activeProcessorCount) cores and one disk."
        ]
        if let change = median(1, .change), let roundTrip = median(1, .roundTrip), let sync = syncAlone.milliseconds(0.5) {
            let cost = max(0, change - roundTrip)
            lines.append(
                "One client: consensus costs \(Latencies.text(cost)) ms of the \(Latencies.text(change)) ms, which is \(String(format: "%.1f", sync > 0 ? cost / sync : 0)) fdatasync medians; HTTP costs the other \(Latencies.text(min(roundTrip, change))) ms."
            )
        }
        return lines
    }

    func write(to writer: inout JSONWriter) {
        writer.object { writer in
            writer.field("build", Bench.build)
            writer.field("machine", Machine.processor)
            writer.field("disk", disk)
            writer.field("note", note)
            writer.field("seconds_per_loop", seconds)
            for (name, sync) in [("fdatasync_alone", syncAlone), ("fdatasync_three_writers", syncTogether)] {
                writer.key(name)
                writer.object { Self.write(sync, to: &$0) }
            }
            writer.field("loops", rows)
            writer.key("skipped_clients")
            writer.array { for count in skipped { $0.value(count) } }
        }
    }

    fileprivate static func write(_ latencies: Latencies, to writer: inout JSONWriter) {
        writer.field("count", latencies.count)
        writer.field("p50_ms", latencies.milliseconds(0.5))
        writer.field("p99_ms", latencies.milliseconds(0.99))
    }
}

extension RaftBench.Row: JSONEncodable {
    func write(to writer: inout JSONWriter) {
        writer.object {
            $0.field("clients", clients)
            $0.field("request", step.rawValue)
            $0.field("per_s", outcome.perSecond)
            RaftFigures.write(outcome.latencies, to: &$0)
            $0.field("failed", outcome.failures)
            $0.field("first_failure", outcome.firstFailure)
            $0.field("leader_log_syncs", Int(log.syncs))
            $0.field("leader_log_sync_mean_ms", log.meanMilliseconds)
            $0.field("client_cpu_us", Double(clientNanoseconds) / 1e3 / Double(outcome.latencies.count))
            $0.field("nodes_cpu_us", Double(nodeNanoseconds) / 1e3 / Double(outcome.latencies.count))
        }
    }
}
