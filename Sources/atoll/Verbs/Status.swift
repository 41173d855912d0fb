import APIClient
import APISchema
import ArgumentParser
import Filesystem
import Foundation
import Primitives

/// `atoll status`: all nodes, asked at the same time with a short bound: it answers while nodes hang.
struct Status: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Show the nodes of the cluster.",
        discussion: "With --endpoint or ATOLL_ENDPOINT: those that this node knows; each is asked at the address that it has told.")
    @OptionGroup var cluster: EndpointOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        let found = try await ClusterNodes.find(cluster, "status")
        guard let local = found.local else { return await StatusRows.show(found, json: output.json) }
        let rows = await StatusRows.collect(local.file, local.directory)
        // Where nobody takes the token nothing is known but what `ps` tells.
        guard !rows.contains(where: { $0.state == StatusRows.refused }) || rows.contains(where: { $0.state == "ready" }) else {
            throw found.refusal("status")
        }
        await StatusRows.show(local.file, local.directory, rows, json: output.json)
    }
}

/// A row per node.
struct StatusRows {
    struct Row: Sendable, JSONEncodable {
        var node: ClusterFile.Node
        var pid: Int?
        /// `ready`, `starting`, `draining`, `paused`, `stopped`, `refuses the token`, `no answer`.
        var state: String
        /// `active`, `draining` or `drained`; nil where no node could be asked.
        var data: String?
        var endpoints: [Endpoint]
        /// Nil where it is not known.
        var dataDirectory: String?
        var groups: [GroupReport] = []

        func write(to writer: inout JSONWriter) {
            writer.object {
                $0.field("id", node.id)
                $0.field("name", node.name)
                $0.field("region", node.region)
                $0.field("pid", pid)
                $0.field("state", state)
                $0.field("data", data)
                $0.field("endpoints", endpoints: endpoints)
                $0.field("data_dir", dataDirectory)
                $0.field("groups", groups)
            }
        }
    }

    static let refused = "refuses the token"

    static func show(_ file: ClusterFile, _ directory: ClusterDirectory, _ rows: [Row], json: Bool) async {
        var rows = rows
        let known = await ClusterNodes(file, directory).ask { client in try await client.nodes() }.first?.answer ?? []
        for place in rows.indices { rows[place].data = known.first { $0.id.rawValue == rows[place].node.id }?.state }
        // A damaged file of faults hinders nobody here; `doctor` names it.
        let faults = (try? LinkFaults.read(directory)) ?? []
        guard !json else {
            Show.json { writer in
                writer.object {
                    $0.field("cluster", file.name)
                    $0.field("cluster_id", file.id)
                    $0.field("map", file.map)
                    $0.field("network", file.network.name)
                    $0.field("data_dir", directory.path)
                    $0.field("nodes", rows)
                    $0.field("faults", faults)
                }
            }
            return
        }
        table(rows).show()
        // The first field tells programs that it is no node.
        for fault in faults {
            Terminal.line(
                Terminal.outputIsTerminal
                    ? "Fault in force: \(fault.words); `atoll fault heal` mends it." : "fault\t\(Terminal.escaped(fault.words))")
        }
        guard case .namespaces(let subnet) = file.network else { return }
        let words =
            LiveNetwork.running(directory).map { network in
                "router \(network.process.pid)\(LiveNetwork.counters(directory).map { ": \($0)" } ?? ", which does not answer")"
            } ?? "no router runs"
        Terminal.line(Terminal.outputIsTerminal ? "Regions are network namespaces in \(subnet); \(words)." : "network\t\(subnet)\t\(words)")
    }

    private static func table(_ rows: [Row]) -> Table {
        var table = Table(">Id", "Node", "Region", ">PID", "State", "Data", "Endpoints")
        for row in rows {
            table.add(
                "\(row.node.id)", row.node.name, row.node.region, row.pid.map(String.init) ?? "-", row.state, row.data ?? "-",
                row.endpoints.map { "\($0.name) \($0.address)" }.joined(separator: ", "))
        }
        return table
    }

    // MARK: A cluster elsewhere

    static func show(_ found: ClusterNodes, json: Bool) async {
        let rows = await collect(found)
        guard json else {
            table(rows).show()
            if Terminal.outputIsTerminal, let seen = found.seen { Terminal.line("Cluster \(seen.cluster), as \(seen.by) knows it.") }
            return
        }
        Show.json { writer in
            writer.object {
                $0.field("cluster", found.seen?.cluster)
                $0.field("seen_by", found.seen?.by)
                $0.field("nodes", rows)
            }
        }
    }

    /// Nodes that can not be asked from here are as the node that was named sees them.
    static func collect(_ found: ClusterNodes) async -> [Row] {
        let reports = await found.ask { client in try await client.status() }
        return found.nodes.map { node in
            let known = found.seen?.catalog.first { $0.id.rawValue == node.id }
            let member = found.seen?.members.first { $0.id.rawValue == node.id }
            var row = Row(
                node: node, pid: nil, state: "no answer, seen \(member?.status ?? "never")", data: known?.state,
                endpoints: known?.endpoints ?? [], dataDirectory: nil)
            guard let report = reports.first(where: { $0.node.id == node.id })?.answer else { return row }
            (row.pid, row.state, row.groups, row.dataDirectory) = (report.process, report.state, report.groups, report.dataDirectory)
            row.endpoints = report.endpoints.sorted { $0.name < $1.name }
            return row
        }
    }

    // MARK: A local cluster

    static func collect(_ file: ClusterFile, _ directory: ClusterDirectory) async -> [Row] {
        let token = (try? LocalFiles.text(directory.tokenFile).trimmingCharacters(in: .whitespacesAndNewlines)) ?? ""
        return await withTaskGroup(of: Row.self) { group in
            for node in file.nodes { group.addTask { await row(node, directory, token) } }
            var rows: [Row] = []
            for await row in group { rows.append(row) }
            return rows.sorted { $0.node.id < $1.node.id }
        }
    }

    private static func row(_ node: ClusterFile.Node, _ directory: ClusterDirectory, _ token: String) async -> Row {
        var row = Row(
            node: node, pid: nil, state: "stopped",
            endpoints: [
                Endpoint(name: "http", address: node.http), Endpoint(name: "peer", address: node.peer),
                Endpoint(name: "gossip", address: node.gossip),
            ],
            dataDirectory: directory.data(node.name))
        guard let ready = ReadyFile.read(directory.ready(node.name)) else { return row }
        switch ready.process.state {
        case .gone: return row
        case .paused:
            (row.pid, row.state) = (Int(ready.process.pid), "paused")
            return row
        case .running: row.pid = Int(ready.process.pid)
        }
        row.endpoints = ready.endpoints.sorted { $0.name < $1.name }
        guard let http = LiveNetwork.http(ready, directory) else {
            row.state = "no answer"
            return row
        }
        let options = APIClientOptions(timeout: .seconds(1), connectTimeout: .seconds(1), retryFor: .zero)
        let client = APIClient(address: http, token: token, options: options)
        do {
            let report = try await Bounded.run(.seconds(2)) { try await client.status() }
            row.state = report.state
            row.groups = report.groups
        } catch {
            row.state = (error as? FileFailure)?.isAboutToken == true ? refused : "no answer"
        }
        await client.shutdown()
        return row
    }
}

/// Runs something that may hang, for so long and no longer.
enum Bounded {
    static func run<Result: Sendable>(_ bound: Duration, _ body: @Sendable @escaping () async throws -> Result) async throws -> Result {
        try await withThrowingTaskGroup(of: Result.self) { group in
            group.addTask { try await body() }
            group.addTask {
                try await Task.sleep(for: bound)
                throw CancellationError()
            }
            guard let result = try await group.next() else { throw CancellationError() }
            group.cancelAll()
            return result
        }
    }
}
