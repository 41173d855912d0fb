import APIClient
import APISchema
import Foundation
import Primitives
import Transport
import Workloads

/// What is known of a cluster's health, from its nodes and, where it is a local one, from its directory.
struct ClusterExamination {
    let cluster: ClusterNodes

    /// Before a certificate ends it should be issued anew.
    private static let notice: TimeInterval = 30 * 86_400

    func findings() async -> [Finding] {
        let asked = await cluster.poll { client in try await client.status() }
        if asked.answers.isEmpty, !asked.refused.isEmpty {
            let failure = cluster.refusal("doctor")
            return faults + [Finding(.wrong, "token", "the nodes answer, and do not take it; \(failure.hint)")] + certificates
        }
        let reports = asked.answers
        let rows: [StatusRows.Row]
        if let local = cluster.local {
            rows = await StatusRows.collect(local.file, local.directory)
        } else {
            rows = await StatusRows.collect(cluster)
        }
        return faults + states(rows) + (await members(rows)) + groups(rows) + versions(reports.map { ($0.node.name, $0.answer.version) })
            + certificates
            + (await links(isWhole: reports.count == cluster.nodes.count))
    }

    /// Links that somebody has broken with `atoll fault`.
    private var faults: [Finding] {
        (cluster.local.flatMap { try? LinkFaults.read($0.directory) } ?? []).map {
            Finding(.doubtful, "fault", "\($0.words), as was asked for; `atoll fault heal` mends it")
        }
    }

    /// Nodes that run, and that others can not hear.
    private func members(_ rows: [StatusRows.Row]) async -> [Finding] {
        let running = Set(rows.filter { $0.state == "ready" }.map(\.node.id))
        var blamed: [UInt64: [String]] = [:]
        let views = await cluster.ask { client in try await client.members() }
        for view in views {
            for member in view.answer where member.status != "alive" && running.contains(member.id.rawValue) {
                blamed[member.id.rawValue, default: []].append(view.node.name)
            }
        }
        return cluster.nodes.compactMap { node in
            blamed[node.id].map {
                Finding(.wrong, "node \(node.name)", "runs, and is not heard by \($0.joined(separator: ", ")); see `atoll members`")
            }
        }
    }

    private func states(_ rows: [StatusRows.Row]) -> [Finding] {
        let others = rows.filter { $0.state != "ready" }
        guard !others.isEmpty else { return [Finding(.good, "nodes", "all \(rows.count) are ready")] }
        return others.map { row in
            let what = "node \(row.node.name)"
            let log = cluster.local.map { "its log is \($0.directory.log(row.node.name))" } ?? "see its journal on its machine"
            return switch row.state {
            case "stopped": Finding(.wrong, what, "does not run; `atoll up` starts what is missing, \(log)")
            case "paused": Finding(.wrong, what, "is stopped by a signal (pid \(row.pid ?? 0)); `atoll fault heal` lets it go on")
            // Its address may be one that only its own network knows.
            case "no answer, seen alive": Finding(.doubtful, what, "is alive and can not be asked from here")
            default: Finding(.wrong, what, "is in state \"\(row.state)\"; \(log)")
            }
        }
    }

    /// Every group must have a leader on whom its members agree, and those who are equally far must agree in
    /// what they hold.
    private func groups(_ rows: [StatusRows.Row]) -> [Finding] {
        var views: [UInt64: [(node: String, report: GroupReport)]] = [:]
        for row in rows { for report in row.groups { views[report.id.rawValue, default: []].append((row.node.name, report)) } }
        var out: [Finding] = []
        for (group, members) in views.sorted(by: { $0.key < $1.key }) {
            let what = members[0].report.filesystem.map { "file system \($0)" } ?? (group == 0 ? "catalog" : "group \(group)")
            let voters = Set(members.flatMap { $0.report.voters.map(\.rawValue) })
            let heard = members.filter { voters.contains(nodeID($0.node)) }
            if heard.count * 2 <= voters.count {
                out.append(
                    Finding(
                        .wrong, what, "\(heard.count) of its \(voters.count) voters answer: no majority; start the nodes that are missing"))
            } else if members.allSatisfy({ $0.report.leader == nil }) {
                out.append(Finding(.wrong, what, "nobody leads; wait for an election, then see the nodes' logs"))
            }
            let digests = Dictionary(grouping: members) { $0.report.appliedIndex }.mapValues {
                Set($0.compactMap { $0.report.digest?.hex })
            }
            for (index, found) in digests.sorted(by: { $0.key < $1.key }) where found.count > 1 {
                out.append(
                    Finding(
                        .wrong, what,
                        "replicas at entry \(index) differ; stop writing, keep all data directories and compare `atoll check log` of each"))
            }
            if let last = members.map(\.report.appliedIndex).max() {
                for member in members where member.report.appliedIndex + 1_000 < last {
                    out.append(Finding(.doubtful, what, "\(member.node) is \(last - member.report.appliedIndex) entries behind"))
                }
            }
        }
        guard !views.isEmpty else { return [Finding(.wrong, "groups", "no node answers, so nothing is known of them")] }
        return out.isEmpty ? [Finding(.good, "groups", "all \(views.count) are led, replicas agree")] : out
    }

    private func nodeID(_ name: String) -> UInt64 { cluster.nodes.first { $0.name == name }?.id ?? 0 }

    private func versions(_ seen: [(node: String, version: String)]) -> [Finding] {
        let distinct = Set(seen.map(\.version) + [AtollVersion.text])
        guard distinct.count > 1 else { return [] }
        return [Finding(.doubtful, "versions", "of this program and of the nodes: \(distinct.sorted().joined(separator: ", "))")]
    }

    private var certificates: [Finding] {
        guard let local = cluster.local else { return [] }
        return local.file.nodes.compactMap { node in
            do {
                let expires = try TLSIdentity.load(from: local.directory.tls(node.name)).expires
                let end = Date(timeIntervalSince1970: Double(expires.nanoseconds) / 1e9)
                let left = end.timeIntervalSinceNow
                guard left < Self.notice else { return nil }
                return Finding(
                    left < 0 ? .wrong : .doubtful, "certificate of \(node.name)",
                    "ends \(end.formatted(.iso8601)); issue another with `atoll ca issue`")
            } catch {
                return Finding(.wrong, "certificate of \(node.name)", "\(error)")
            }
        }
    }

    /// The links must be as the map says: within 2 ms or 3 %.
    private func links(isWhole: Bool) async -> [Finding] {
        guard let local = cluster.local, local.file.map != "none", LocalFiles.exists(local.directory.map),
            let map = try? RegionMapFile.read(local.directory.map)
        else { return [] }
        guard isWhole, let measured = try? await RegionMeasurements.collect(cluster, for: "doctor", patience: .seconds(5)) else {
            return [Finding(.note, "links", "not compared with the map while nodes are missing")]
        }
        var out: [Finding] = []
        for pair in measured.pairs {
            guard let wanted = map.roundTrip(RegionID(pair.from), RegionID(pair.to))?.inMilliseconds else { continue }
            guard let median = pair.medianMilliseconds else {
                out.append(Finding(.doubtful, "link \(pair.from) – \(pair.to)", "nobody has measured it yet"))
                continue
            }
            guard abs(median - wanted) > max(2, wanted * 0.03) else { continue }
            out.append(
                Finding(
                    .doubtful, "link \(pair.from) – \(pair.to)",
                    "\(Show.milliseconds(median)) ms, \(Show.milliseconds(wanted)) ms in the map; a fault, or a busy machine?"))
        }
        return out.isEmpty ? [Finding(.good, "links", "\(measured.pairs.count) are as the map says")] : out
    }
}
