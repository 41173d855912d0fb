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
            MountVerb.self, UnmountVerb.self, Run.self, Compare.self, Simulate.self, ReplayVerb.self, Check.self, Inspect.self, Doctor.self,
            CA.self, Keys.self, Bench.self,
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
        end(0)
    }

    /// Other threads go on until the last moment, those of the event loops and those that have just done their work: what `exit`
    /// takes down (libcrypto's tables, destructors of C++) some of them still use, and the program may end by a signal instead.
    static func end(_ code: Int32) -> Never {
        fflush(nil)
        _exit(code)
    }

    static func finish(_ error: any Error) -> Never {
        switch error {
        case let failure as CommandFailure: die(failure.description, failure.exitCode)
        case let failure as FileFailure: die(CommandFailure(failure).description, CommandFailure(failure).exitCode)
        case is CancellationError: die("cancelled", 1)
        case let code as ExitCode: end(code.rawValue)
        default: break
        }
        // Help, version, and mistakes in the arguments.
        guard Atoll.exitCode(for: error) != .success else {
            print(Atoll.message(for: error))
            end(0)
        }
        let message = Atoll.message(for: error)
        let isUsage = Atoll.exitCode(for: error) == .validationFailure
        let help = "see `atoll\(CommandLine.verb.isEmpty ? "" : " " + CommandLine.verb) --help`"
        die(isUsage ? "\(message); \(help)" : "\(message.isEmpty ? "\(error)" : message)", isUsage ? 2 : 1)
    }

    /// One line; a name of thousands of bytes is not repeated whole.
    private static func die(_ message: String, _ code: Int32) -> Never {
        let words = message.split(separator: " ", omittingEmptySubsequences: false).map { Terminal.shortened(String($0)) }
        Terminal.error("atoll: \(Terminal.escaped(words.joined(separator: " ")))")
        end(code)
    }
}

extension CommandLine {
    /// The verb that was asked for: `status`, `volume put`; empty where there is none of that name.
    static var verb: String {
        var words: [String] = []
        var commands = Atoll.configuration.subcommands
        for word in arguments.dropFirst().prefix(2) {
            guard let command = commands.first(where: { $0._commandName == word }) else { break }
            words.append(word)
            commands = command.configuration.subcommands
        }
        return words.joined(separator: " ")
    }
}
