import ArgumentParser
import Filesystem
import Foundation
import Primitives

/// `atoll mount`: a file system as a directory of this machine.
struct MountVerb: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "mount", abstract: "Mount a file system as a directory.",
        discussion: """
            The mount goes on in the background until `atoll unmount`. A volume is seen as it was when it was mounted; what is \
            written is staged, and committed every few seconds, by `sync MOUNTPOINT`, and when it is unmounted.
            """)

    enum Unreachable: String, ExpressibleByArgument, Sendable { case block, fail }

    @OptionGroup var cluster: EndpointOptions
    @Option(name: [.customShort("e"), .customLong("env")], help: "The environment.")
    var environment = "main"
    @Option(help: "Where the client is: the region of the node that is asked.")
    var region: String?
    @Flag(help: "Nothing can be changed through the mount.")
    var readOnly = false
    @Option(help: ArgumentHelp("Of a volume: a past version, read-only.", valueName: "version"))
    var at: String?
    @Option(help: ArgumentHelp("Mount this directory of it.", valueName: "path"))
    var subPath: String?
    @Option(help: ArgumentHelp("Where the file system can not be reached: block (default) or fail.", valueName: "block|fail"))
    var onUnreachable = Unreachable.block
    @Option(help: ArgumentHelp("With --on-unreachable fail: how long an operation may take (default 30).", valueName: "seconds"))
    var timeout: Double?
    @Option(help: ArgumentHelp("Of a volume: commit this often (default 5; 0 never).", valueName: "seconds"))
    var commitEvery: UInt64?
    @Option(help: ArgumentHelp("How long names and attributes are believed (default 3; a volume's 1).", valueName: "seconds"))
    var attributeCache: Double?
    @Flag(help: "Of a volume: flock and fcntl locks hold within this machine, instead of being refused.")
    var localLocks = false
    @OptionGroup var distance: DistanceOptions
    @Flag(help: "Stay in the foreground until Ctrl-C or `atoll unmount`.")
    var foreground = false
    @Argument(help: ArgumentHelp("volume/NAME or nfs/NAME; an id in place of a name.", valueName: "source"))
    var source: String
    @Argument(help: ArgumentHelp("An empty directory.", valueName: "mountpoint"))
    var mountPoint: String

    func validate() throws {
        if let timeout {
            guard onUnreachable == .fail else { throw ValidationError("--timeout goes with --on-unreachable fail") }
            guard (0.1...600).contains(timeout) else { throw ValidationError("--timeout takes 0.1 to 600 seconds") }
        }
        if let commitEvery, commitEvery > 3_600 { throw ValidationError("--commit-every takes 0 to 3600 seconds") }
        if let attributeCache, !(0...3_600).contains(attributeCache) { throw ValidationError("--attribute-cache takes 0 to 3600 seconds") }
        let (kind, _) = try parts()
        guard kind == .volume || (at == nil && commitEvery == nil && !localLocks) else {
            throw ValidationError("--at, --commit-every and --local-locks are for volumes")
        }
    }

    /// The kind and the name.
    func parts() throws -> (kind: FilesystemKind, name: String) {
        let words = source.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
        guard words.count == 2, !words[1].isEmpty, let kind = [FilesystemKind.nfs, .volume].first(where: { $0.word == words[0] }) else {
            throw ValidationError("say what to mount as volume/NAME or nfs/NAME, not \"\(source)\"")
        }
        return (kind, words[1])
    }

    func run() async throws {
        try MountPoint.requireFUSE()
        let point = MountPoint(mountPoint)
        try point.prepare()
        try MountRecord.makeFolder()
        if foreground { return try await MountRun(self, point).run() }
        try await MountDaemon(point).start(arguments: CommandLine.arguments)
    }

    func version() throws -> VersionID? { try at.map { try VersionText.read($0, "mount") } }

    var patience: SessionEndpoint.Patience {
        switch onUnreachable {
        case .block: .block
        case .fail: .fail(.milliseconds(Int64((timeout ?? 30) * 1_000)))
        }
    }
}
