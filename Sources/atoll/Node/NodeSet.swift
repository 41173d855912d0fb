import APIClient
import APISchema
import ArgumentParser
import Foundation
import Primitives

/// `atoll node list`: the nodes as the catalog has them, and how the node that is asked sees them.
struct NodeList: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "Show the cluster's nodes: state, weight, what they hold.")
    @OptionGroup var cluster: EndpointOptions
    @OptionGroup var output: OutputOptions
    @Flag(help: "Also those that were removed.") var all = false

    func run() async throws {
        let (nodes, members) = try await Connection.run(cluster, .any, "node list") { connection in
            (try await connection.client.nodes(), try await connection.client.members())
        }
        let shown = nodes.filter { all || $0.state != "removed" }
        func status(_ node: CatalogNodeReport) -> String { members.first { $0.id == node.id }?.status ?? "-" }
        if output.json {
            Show.json { writer in
                writer.object { writer in
                    writer.key("nodes")
                    writer.array { writer in
                        for node in shown {
                            writer.object {
                                node.writeFields(to: &$0)
                                // Null where the node that was asked has not heard of it.
                                $0.field("seen", members.first { $0.id == node.id }?.status)
                            }
                        }
                    }
                }
            }
            return
        }
        var table = Table(">Id", "Node", "Region", "State", "Seen", ">Weight", ">Votes", ">Replicas", "HTTP", "Still holds")
        for node in shown {
            table.add(
                "\(node.id.rawValue)", node.name, node.region.name, node.state, status(node), "\(node.weight)", "\(node.votes)",
                "\(node.replicas)", node.endpoints.first { $0.name == "http" }?.address ?? "-", node.holds ?? "-")
        }
        table.show()
    }
}

/// `atoll node drain`: what the node holds moves to others, and nothing new comes to it.
struct NodeDrain: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "drain", abstract: "Move everything away from a node, so that it can be removed.")
    @Argument(help: "The node's name or number.") var node: String
    @Flag(help: "Take the drain back.") var undo = false
    @Option(help: "Wait so many seconds until the node is drained.") var wait: Int?
    @OptionGroup var cluster: EndpointOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        if let wait, !(1...86_400).contains(wait) {
            throw CommandFailure.usage("node drain", "--wait \(wait)", "must be 1 to 86400 seconds")
        }
        let report = try await Connection.run(cluster, .any, "node drain") { connection in
            var report = try await connection.client.setDrain(node, !undo)
            guard let wait, !undo else { return report }
            let end = ContinuousClock.now + .seconds(wait)
            while report.state != "drained" {
                guard ContinuousClock.now < end else {
                    throw CommandFailure(
                        "node drain", node, "after \(wait) s it still holds \(report.holds ?? "something")",
                        hint:
                            "it goes on draining: see `atoll node list`, its region may need another node to take that; `atoll node drain \(node) --undo` takes it back"
                    )
                }
                try await Task.sleep(for: .milliseconds(300))
                if let now = try await connection.client.nodes().first(where: { $0.id == report.id }) { report = now }
            }
            return report
        }
        if output.json { return Show.json { report.write(to: &$0) } }
        let who = "\(report.name) (\(report.id))"
        switch report.state {
        case "active": Terminal.line("\(who) takes data again.")
        case "drained":
            Terminal.line("\(who) is drained: nothing is left that others need. `atoll node remove \(report.name)` takes it out.")
        default: Terminal.line("\(who) drains: \(report.holds ?? "nothing") to move. `atoll node list` shows how far it is.")
        }
    }
}

/// `atoll node remove`: out of the cluster, for good.
struct NodeRemove: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "remove", abstract: "Take a drained node out of the cluster for good; its number is not used again.")
    @Argument(help: "The node's name or number.") var node: String
    @Flag(help: "Also one that is not drained: it is lost, and whatever only it had with it.") var force = false
    @OptionGroup var cluster: EndpointOptions
    @OptionGroup var confirm: ConfirmOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        let question =
            force ? "Remove \(node) as it is? What only this node holds is lost." : "Remove \(node)? Its number is never used again."
        try Terminal.confirm(question, yes: confirm.yes, operation: "node remove", object: node)
        let (report, directory) = try await Connection.run(cluster, .any, "node remove") { connection in
            (try await connection.client.removeNode(node, force: force), connection.directory)
        }
        if let directory { try await forget(report, directory) }
        if output.json { return Show.json { report.write(to: &$0) } }
        Terminal.line("\(report.name) (\(report.id)) is removed. Its data directory may be deleted.")
    }

    /// A local cluster's file names the nodes that `atoll up` starts.
    private func forget(_ report: CatalogNodeReport, _ directory: ClusterDirectory) async throws {
        try await directory.locked("node remove") {
            var file = try ClusterFile.require(directory, "node remove")
            guard let gone = file.nodes.first(where: { $0.id == report.id.rawValue }) else { return }
            file.nodes.removeAll { $0.id == gone.id }
            file.regions.removeAll { region in !file.nodes.contains { $0.region == region } }
            try file.write(to: directory.clusterFile)
            guard let process = ReadyFile.read(directory.ready(gone.name))?.process, process.state != .gone else { return }
            process.signal(SIGTERM)
            process.signal(SIGCONT)
            if !(await process.waitUntilGone(.seconds(10))) { process.signal(SIGKILL) }
        }
        try await directory.locked("node remove") {
            // Those that stay have the links of the region among them.
            let file = try ClusterFile.require(directory, "node remove")
            try await LinkFaults.set(try LinkFaults.read(directory), file, directory, "node remove")
        }
    }
}
