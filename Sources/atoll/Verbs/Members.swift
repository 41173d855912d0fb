import APIClient
import APISchema
import ArgumentParser
import Foundation
import Primitives

/// `atoll members`: who sees whom how. Each running node is asked for its own view.
struct Members: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Show each node's view of the others.")
    @OptionGroup var cluster: EndpointOptions
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
        let found = try await ClusterNodes.find(cluster, "members")
        let observers = try node.map { [try found.node($0, "members")] }
        let views = try await found.ask(for: "members", observers) { client in try await client.members() }
        let states = await found.ask { client in try await client.nodes() }.first?.answer ?? []
        func state(_ id: NodeID) -> String { states.first { $0.id == id }?.state ?? "-" }
        guard !views.isEmpty else { throw CommandFailure("members", "", "no node answers", hint: "see `atoll status`") }
        func name(_ id: UInt64) -> String {
            found.nodes.first { $0.id == id }?.name ?? states.first { $0.id.rawValue == id }?.name ?? "n\(id)"
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
