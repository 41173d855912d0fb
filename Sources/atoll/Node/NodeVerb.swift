import ArgumentParser
import Foundation
import Logging
import NodeRuntime

/// `atoll node`: one node, for real machines, and what an operator decides about nodes.
struct NodeVerb: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "node", abstract: "Run one node, list the cluster's nodes, drain and remove them.",
        subcommands: [NodeRun.self, NodeList.self, NodeDrain.self, NodeRemove.self], defaultSubcommand: NodeRun.self)
}

/// `atoll node --config FILE`; `atoll up` starts the same.
struct NodeRun: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "run", abstract: "Run one node until it is told to end (SIGTERM or Ctrl-C); the default.")

    @Option(help: "The node's configuration (YAML).")
    var config: String

    @Option(help: "Write the process number and endpoints to this file when the node is ready.")
    var readyFile: String?

    @Flag(help: "End when the standard input ends.")
    var endWithInput = false

    func run() async throws {
        LoggingSystem.bootstrap { StreamLogHandler.standardError(label: $0) }
        do {
            try await runNode(try ReadConfig.read(config), readyFile: readyFile, endsWithInput: endWithInput)
        } catch let error as ConfigError {
            throw CommandFailure("node", "", error.description, exitCode: 2)
        }
    }
}
