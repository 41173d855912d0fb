import ArgumentParser
import Filesystem
import Foundation

/// The command line of Atoll: one binary, a type per verb.
struct Atoll: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "atoll", abstract: "A storage cluster across regions: network file systems and replicated volumes.",
        version: AtollVersion.text,
        subcommands: [
            Up.self, Down.self, Status.self, Members.self, Regions.self, Fault.self, NodeVerb.self, NFS.self, Volume.self, App.self,
            Environment.self,
            Run.self, Compare.self, Simulate.self, ReplayVerb.self, Check.self, Inspect.self, Doctor.self, CA.self, Keys.self, Bench.self,
            RouterVerb.self,
        ])
}

/// Exit codes: 0 done, 1 failed (not found, unavailable, refused), 2 usage or already exists.
/// Errors are one line on standard error: what was asked, of what, why, and what to do next.
@main struct Main {
    static func main() async {
        do {
            var command = try Atoll.parseAsRoot()
            if var verb = command as? any AsyncParsableCommand {
                try await verb.run()
            } else {
                try command.run()
            }
        } catch {
            finish(error)
        }
        exit(0)
    }

    static func finish(_ error: any Error) -> Never {
        switch error {
        case let failure as CommandFailure: die(failure.description, failure.exitCode)
        case let failure as FileFailure: die(CommandFailure(failure).description, CommandFailure(failure).exitCode)
        case is CancellationError: die("cancelled", 1)
        case let code as ExitCode: exit(code.rawValue)
        default: break
        }
        // Help, version, and mistakes in the arguments.
        guard Atoll.exitCode(for: error) != .success else {
            print(Atoll.message(for: error))
            exit(0)
        }
        let message = Atoll.message(for: error)
        let isUsage = Atoll.exitCode(for: error) == .validationFailure
        die(isUsage ? "\(message); see `\(CommandLine.shownName) --help`" : "\(message.isEmpty ? "\(error)" : message)", isUsage ? 2 : 1)
    }

    private static func die(_ message: String, _ code: Int32) -> Never {
        Terminal.error("atoll: \(Terminal.escaped(message))")
        exit(code)
    }
}

extension CommandLine {
    /// `atoll volume put`: the words up to the first option.
    static var shownName: String {
        (["atoll"] + arguments.dropFirst().prefix { $0.allSatisfy { $0.isLetter } }.prefix(2)).joined(separator: " ")
    }
}
