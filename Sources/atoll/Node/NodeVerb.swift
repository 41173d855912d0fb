import ArgumentParser
import Foundation
import Logging
import NodeRuntime

/// `atoll node`: one node, for real machines; `atoll up` starts the same.
struct NodeVerb: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "node", abstract: "Run one node until it is told to end (SIGTERM or Ctrl-C).")

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
