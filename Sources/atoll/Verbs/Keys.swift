import APIClient
import APISchema
import ArgumentParser
import Filesystem
import Foundation
import Transport

/// `atoll keys …`: the keys by which gossip is sealed.
struct Keys: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Show and replace the keys by which gossip is sealed.", subcommands: [KeysList.self, KeysReload.self, KeysRotate.self])
}

struct KeysList: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "Show which keys each node seals and opens gossip with, by their numbers.")
    @OptionGroup var cluster: EndpointOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        let nodes = try await ClusterNodes.find(cluster, "keys list")
        KeyTable.show(nodes, await nodes.ask { client in try await client.gossipKeys() }, output)
    }
}

struct KeysReload: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "reload", abstract: "Have every node read its file of keys again, after it was replaced there.")
    @OptionGroup var cluster: EndpointOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        let nodes = try await ClusterNodes.find(cluster, "keys reload")
        let told = await nodes.ask { client in try await client.reloadGossipKeys() }
        KeyTable.show(nodes, told, output)
        let missed = nodes.nodes.filter { node in !told.contains { $0.node.id == node.id } }
        guard missed.isEmpty else {
            throw CommandFailure(
                "keys reload", missed.map(\.name).joined(separator: ", "), "it did not read its keys again",
                hint: "see that it runs and what its log says, then repeat the command; a node reads them when it starts, too")
        }
        guard Set(told.map(\.answer.opens)).count <= 1 else {
            throw CommandFailure(
                "keys reload", "the nodes", "their files of keys are not the same",
                hint: "copy the same file to every node, then repeat the command")
        }
    }
}

/// What nodes say of their keys.
enum KeyTable {
    static func show(_ nodes: ClusterNodes, _ answers: [(node: ClusterFile.Node, answer: GossipKeysReport)], _ output: OutputOptions) {
        func report(_ node: ClusterFile.Node) -> GossipKeysReport? { answers.first { $0.node.id == node.id }?.answer }
        guard !output.json else {
            return Show.json { writer in
                writer.object { writer in
                    writer.key("nodes")
                    writer.array { writer in
                        for node in nodes.nodes {
                            writer.object {
                                $0.field("name", node.name)
                                $0.field("id", node.id)
                                $0.field("seals", report(node).map { UInt64($0.seals) })
                                $0.key("opens")
                                $0.array { for key in report(node)?.opens ?? [] { $0.value(key) } }
                            }
                        }
                    }
                }
            }
        }
        var table = Table("Node", "Region", ">Seals with", "Opens")
        for node in nodes.nodes {
            let report = report(node)
            let opens = report?.opens.map(String.init).joined(separator: " ")
            table.add(node.name, node.region, report.map { "\($0.seals)" } ?? "no answer", opens ?? "-")
        }
        table.show()
    }
}
