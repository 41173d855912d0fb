import APISchema
import Foundation

/// What `bench raft` found.
struct RaftFigures: Sendable, JSONEncodable {
    var disk: String
    var note: String?
    var seconds: Double
    /// Nothing else running, before the cluster starts.
    var syncAlone: SyncFloor
    /// Three writers at once: what three logs on this one disk can hope for.
    var syncTogether: SyncFloor
    var rows: [RaftBench.Row]
    /// While the loops ran.
    var coresOfOthers: Double
    /// Counts of clients that were left out.
    var skipped: [Int]

    func show() {
        if let note { Terminal.error(note) }
        Terminal.line("fdatasync of a 4 KiB overwrite, nothing else running: \(Self.text(syncAlone)).")
        Terminal.line("The same by three writers at once, as three nodes share this disk: \(Self.text(syncTogether)).")
        var table = Table(
            ">Clients", "Request", ">Answers", ">Per second", ">p50 ms", ">p99 ms", ">Failed", ">Log syncs", ">Mean sync ms",
            ">CPU µs client",
            ">CPU µs nodes")
        for row in rows {
            let count = Double(row.outcome.latencies.count)
            table.add(
                "\(row.clients)", row.step.words, "\(row.outcome.latencies.count)", "\(Int(row.outcome.perSecond.rounded()))",
                Latencies.text(row.outcome.latencies.milliseconds(0.5)), Latencies.text(row.outcome.latencies.milliseconds(0.99)),
                "\(row.outcome.failures)", "\(Int(row.log.syncs))", Latencies.text(row.log.meanMilliseconds),
                "\(Int(Double(row.clientNanoseconds) / 1e3 / count))", "\(Int(Double(row.nodeNanoseconds) / 1e3 / count))")
        }
        table.show()
        Terminal.line("")
        for line in explanation { Terminal.line(line) }
        for line in warnings { Terminal.error(Terminal.escaped(line)) }
    }

    private static func text(_ floor: SyncFloor) -> String {
        func times(_ latencies: Latencies) -> String {
            "p50 \(Latencies.text(latencies.milliseconds(0.5))) ms, p99 \(Latencies.text(latencies.milliseconds(0.99))) ms"
        }
        return "\(times(floor.whole)) (\(floor.whole.count) times); without the wait for a core \(times(floor.disk))"
    }

    private func median(_ clients: Int, _ step: RaftBench.Step) -> Double? {
        rows.first { $0.clients == clients && $0.step == step }?.outcome.latencies.milliseconds(0.5)
    }

    private var explanation: [String] {
        let cores = ProcessInfo.processInfo.activeProcessorCount
        var lines = [
            "A latency is from the client's call to its answer: HTTP and JSON on loopback to the leader's node, and for a change the command in "
                + "Raft's log, durable on a majority of the three nodes, and applied.",
            "Per second counts answers, from the first request to the last answer. Log syncs and their mean are the leader's. CPU is per answer, "
                + "of this process and of the three nodes together; all of them share \(cores) cores and one disk.",
        ]
        if let change = median(1, .change), let roundTrip = median(1, .roundTrip), let sync = syncAlone.disk.milliseconds(0.5), sync > 0 {
            let cost = change - roundTrip
            let ratio = isDisturbed ? "" : ", \(String(format: "%.1f", cost / sync)) times the disk's fdatasync"
            lines.append(
                "One client: a change takes \(Latencies.text(change)) ms, \(Latencies.text(cost)) ms more than a round trip\(ratio). Both are medians."
            )
        }
        return lines
    }

    /// The machine was busy with other things: no ratio to the disk is drawn.
    private var isDisturbed: Bool { syncAlone.isDisturbed || OtherWork.note(coresOfOthers) != nil }

    /// What makes figures doubtful.
    private var warnings: [String] {
        var lines: [String] = []
        if let others = OtherWork.note(coresOfOthers) { lines.append(others) }
        if syncAlone.isDisturbed {
            lines.append("fdatasync mostly waited for a core, not for the disk; no ratio to it is drawn. Measure again on an idle machine.")
        }
        for row in rows {
            let name = "\(row.clients) \(row.clients == 1 ? "client" : "clients"), \(row.step.words)"
            if row.outcome.isTooShort {
                lines.append("\(name): only \(row.outcome.latencies.count) answers, which tell no steady state; use a longer --seconds.")
            }
            if let failure = row.outcome.firstFailure { lines.append("\(name): \(row.outcome.failures) failed, the first by: \(failure)") }
        }
        if !skipped.isEmpty {
            lines.append("\(skipped.map(String.init).joined(separator: ", ")) clients left out: a process may open too few files here.")
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
                writer.object {
                    Self.write(sync.whole, to: &$0)
                    $0.field("disk_p50_ms", sync.disk.milliseconds(0.5))
                    $0.field("disk_p99_ms", sync.disk.milliseconds(0.99))
                    $0.field("is_disturbed", sync.isDisturbed)
                }
            }
            writer.field("cores_used_by_others", coresOfOthers)
            writer.field("warnings", strings: warnings)
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
            $0.field("seconds", outcome.seconds)
            $0.field("is_too_short", outcome.isTooShort)
            $0.field("failed", outcome.failures)
            $0.field("first_failure", outcome.firstFailure)
            $0.field("leader_log_syncs", Int(log.syncs))
            $0.field("leader_log_sync_mean_ms", log.meanMilliseconds)
            $0.field("client_cpu_us", Double(clientNanoseconds) / 1e3 / Double(outcome.latencies.count))
            $0.field("nodes_cpu_us", Double(nodeNanoseconds) / 1e3 / Double(outcome.latencies.count))
        }
    }
}
