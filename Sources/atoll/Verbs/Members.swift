import APIClient
import APISchema
import ArgumentParser
import Foundation
import Primitives

/// `atoll members`: who sees whom how. Each running node is asked for its own view.
struct Members: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Show each node's view of the others.")
    @OptionGroup var cluster: ClusterOptions
    @Option(help: "Only the view of this node.")
    var node: String?
    @OptionGroup var output: OutputOptions

    /// A member with what the table shows beside it.
    private struct Row: JSONEncodable {
        let member: MemberReport
        let name: String
        /// As the catalog has it; `-` where no node could be asked.
        let data: String

        func write(to writer: inout JSONWriter) {
            writer.object {
                member.writeFields(to: &$0)
                $0.field("name", name)
                $0.field("data", data == "-" ? nil : data)
            }
        }
    }

    func run() async throws {
        let directory = ClusterDirectory(cluster.dataDirectory)
        let file = try ClusterFile.require(directory, "members")
        var observers = file.nodes
        if let node {
            guard let found = file.node(node) else { throw file.unknownNode(node, "members") }
            observers = [found]
        }
        let views = await Views.collect(observers, directory) { client in try await client.members() }
        let states = await Views.collect(file.nodes, directory) { client in try await client.nodes() }.first?.answer ?? []
        func state(_ id: NodeID) -> String { states.first { $0.id == id }?.state ?? "-" }
        guard !views.isEmpty else { throw CommandFailure("members", "", "no node answers", hint: "see `atoll status`") }
        func name(_ id: UInt64) -> String {
            file.nodes.first { $0.id == id }?.name ?? states.first { $0.id.rawValue == id }?.name ?? "n\(id)"
        }
        if output.json {
            Show.json { writer in
                writer.object { writer in
                    writer.key("views")
                    writer.array { writer in
                        for view in views {
                            writer.object {
                                $0.field("node", view.node.id)
                                $0.field("name", view.node.name)
                                $0.field("members", view.answer.map { Row(member: $0, name: name($0.id.rawValue), data: state($0.id)) })
                                $0.field("nodes", states)
                            }
                        }
                    }
                }
            }
            return
        }
        var table = Table("Seen by", "Node", "Region", "Status", "Data", ">Incarnation", ">RTT ms")
        for view in views {
            for member in view.answer {
                table.add(
                    view.node.name, name(member.id.rawValue), member.region.name, member.status, state(member.id),
                    "\(member.incarnation)",
                    Show.milliseconds(member.roundTripMilliseconds))
            }
        }
        table.show()
    }
}

/// The same question to several nodes at the same time; those that do not answer within two seconds are left out.
enum Views {
    static func collect<Answer: Sendable>(
        _ nodes: [ClusterFile.Node], _ directory: ClusterDirectory, _ ask: @Sendable @escaping (APIClient) async throws -> Answer
    ) async -> [(node: ClusterFile.Node, answer: Answer)] {
        let token = (try? LocalFiles.text(directory.tokenFile).trimmingCharacters(in: .whitespacesAndNewlines)) ?? ""
        return await withTaskGroup(of: (ClusterFile.Node, Answer)?.self) { group in
            for node in nodes {
                group.addTask {
                    guard let ready = ReadyFile.read(directory.ready(node.name)), ready.process.state == .running,
                        let http = LiveNetwork.http(ready, directory)
                    else { return nil }
                    let options = APIClientOptions(timeout: .seconds(1), connectTimeout: .seconds(1), retryFor: .zero)
                    let client = APIClient(address: http, token: token, options: options)
                    let answer = try? await Bounded.run(.seconds(2)) { try await ask(client) }
                    await client.shutdown()
                    return answer.map { (node, $0) }
                }
            }
            var out: [(node: ClusterFile.Node, answer: Answer)] = []
            for await view in group { if let view { out.append(view) } }
            return out.sorted { $0.node.id < $1.node.id }
        }
    }
}
