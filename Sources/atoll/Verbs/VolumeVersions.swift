import APIClient
import APISchema
import ArgumentParser
import Filesystem
import Primitives

/// Verbs on a volume's session of this region and on its versions.
struct VolumeCommit: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "commit", abstract: "Publish what `volume put --stage` staged in this region, or what a mount has staged.")
    @Argument(help: "A volume, or the mount point of one (with a / in it).") var name: String
    @OptionGroup var commit: CommitArguments
    @OptionGroup var target: TargetOptions
    @OptionGroup var output: OutputOptions
    func run() async throws {
        let mount = try MountedVolume(name, "volume commit")
        let verb = FilesystemVerb(kind: .volume, verb: "commit", target: mount?.target(target) ?? target)
        try await verb.run { connection in
            let options = try commit.options(verb.operation)
            let volume = try await verb.find(mount?.record.filesystem ?? name, connection)
            let sessions = StagedSessions(connection, verb.operation)
            let clock = ContinuousClock.now
            let value: FileValue
            if let session = try mount?.session(connection, verb.operation) ?? sessions.findOrTellLost(volume) {
                value = try await sessions.perform(.commit(options), session, volume, within: .seconds(120))
            } else {
                // Nothing is staged: the receipt of a session in which nothing was done says the same as that of one
                // whose changes are committed already.
                value = try await verb.session(volume, connection, readOnly: false) { files in
                    try await files.perform(.commit(options), within: .seconds(120))
                }
            }
            guard case .receipt(let receipt) = value else { return }
            if output.json { return Receipts.json(receipt, milliseconds: (ContinuousClock.now - clock).inMilliseconds) }
            Receipts.show(receipt)
        }
    }
}

struct VolumeReload: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "reload", abstract: "Bring this region's session, or a mount, to a newer version.")
    @Argument(help: "A volume, or the mount point of one (with a / in it).") var name: String
    @Flag(help: "To the newest version there is (default): one round trip to the leader.") var latest = false
    @Flag(help: "To the newest that this region has: no round trip.") var local = false
    @Option(
        parsing: .unconditional, help: ArgumentHelp("To one that was the newest at most so long ago.", valueName: "seconds"))
    var maxStaleness: Double?
    @Option(help: ArgumentHelp("To at least this version: a number, v3, or the JSON of a commit's receipt.", valueName: "receipt"))
    var minCommit: String?
    @Flag(help: "As --latest, and refuse while files of the session are open.") var strict = false
    @Flag(help: "Drop what is staged.") var discard = false
    @OptionGroup var target: TargetOptions
    @OptionGroup var output: OutputOptions

    private func reloadMode() throws -> ReloadMode {
        let said = [latest, local, maxStaleness != nil, minCommit != nil, strict].count { $0 }
        guard said <= 1 else {
            throw CommandFailure.usage(
                "volume reload", name, "one of --latest, --local, --max-staleness, --min-commit and --strict goes at a time")
        }
        if let seconds = maxStaleness {
            guard (0...86_400).contains(seconds) else {
                throw CommandFailure.usage("volume reload", "--max-staleness \(seconds)", "0 to 86400 seconds")
            }
            return .maxStaleness(.milliseconds(Int64(seconds * 1_000)))
        }
        if let minCommit { return .minimum(try VersionText.receipt(minCommit, "volume reload")) }
        if strict { return .strict }
        return local ? .local : .latest
    }

    func run() async throws {
        let mode = try reloadMode()
        let mount = try MountedVolume(name, "volume reload")
        let verb = FilesystemVerb(kind: .volume, verb: "reload", target: mount?.target(target) ?? target)
        try await verb.run { connection in
            let volume = try await verb.find(mount?.record.filesystem ?? name, connection)
            let sessions = StagedSessions(connection, verb.operation)
            let own = try mount?.session(connection, verb.operation)
            let session = if let own { own } else { try await sessions.open(volume) }
            _ = try await sessions.perform(.reload(mode, discard: discard), session, volume)
            try await VolumeStatus.show(sessions, session, volume, output.json)
        }
    }
}

struct VolumeStatus: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status", abstract: "Show a volume: versions, what is staged here, who leads.")
    @Argument(help: "A volume, or the mount point of one (with a / in it).") var name: String
    @OptionGroup var target: TargetOptions
    @OptionGroup var output: OutputOptions
    func run() async throws {
        let mount = try MountedVolume(name, "volume status")
        let verb = FilesystemVerb(kind: .volume, verb: "status", target: mount?.target(target) ?? target)
        try await verb.run { connection in
            let volume = try await verb.find(mount?.record.filesystem ?? name, connection)
            let sessions = StagedSessions(connection, verb.operation)
            if let session = try mount?.session(connection, verb.operation) ?? sessions.find(volume) {
                try await Self.show(sessions, session, volume, output.json)
            } else {
                // Nothing is staged: a session for the moment tells the versions.
                try await verb.session(volume, connection, readOnly: true) { files in
                    guard case .session(let status) = try await files.perform(.sessionStatus) else { return }
                    Self.show(status, volume, output.json)
                }
            }
        }
    }

    static func show(_ sessions: StagedSessions, _ session: SessionID, _ volume: FilesystemReport, _ json: Bool) async throws {
        guard case .session(let status) = try await sessions.perform(.sessionStatus, session, volume) else { return }
        show(status, volume, json)
    }

    private static func show(_ status: SessionStatus, _ volume: FilesystemReport, _ json: Bool) {
        guard !json else {
            return Show.json { writer in
                writer.object {
                    $0.field("volume", volume)
                    $0.field("session", status)
                }
            }
        }
        Terminal.line("Volume '\(volume.label)' (\(volume.id)) in \(volume.location); \(volume.durability).")
        Terminal.line("This session reads \(status.version); the newest known here is \(status.latest).")
        Terminal.line(
            status.staged == 0 ? "Nothing is staged." : "\(status.staged) \(status.staged == 1 ? "change is" : "changes are") staged.")
        var table = Table("Region", ">Has", ">Lag s", ">Commits", ">Bytes", "In touch")
        for region in status.lag {
            let tenths = region.time.inNanoseconds / 100_000_000
            table.add(
                region.region.name, "\(region.version)", "\(tenths / 10).\(tenths % 10)", "\(region.commits)", "\(region.bytes)",
                region.isInTouch ? "yes" : "no: as it was when heard last")
        }
        Terminal.line("")
        table.show()
    }
}

struct VolumeHistory: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "history", abstract: "List the versions of a volume, newest first.")
    @Argument var name: String
    @Option(help: "How many, 1 to 10,000.") var limit: UInt32 = 50
    @OptionGroup var target: TargetOptions
    @OptionGroup var output: OutputOptions
    func run() async throws {
        let verb = FilesystemVerb(kind: .volume, verb: "history", target: target)
        try await verb.run { connection in
            try await verb.session(try await verb.find(name, connection), connection, readOnly: true) { files in
                guard case .history(let versions) = try await files.perform(.history(limit: limit)) else { return }
                guard !output.json else { return Show.json("versions", versions) }
                var table = Table(">Version", "Time", "Region", ">Changes", "Message")
                for version in versions {
                    table.add("\(version.version)", version.time.tableText, version.region, "\(version.changes)", version.message)
                }
                table.show()
            }
        }
    }
}

struct VolumeDiff: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "diff", abstract: "List what changed from one version to another.")
    @Argument var name: String
    @Argument(help: "A version, such as 3 or v3.") var from: String
    @Argument var to: String
    @Option(help: "How many, 1 to 100,000.") var limit: UInt32 = 10_000
    @OptionGroup var target: TargetOptions
    @OptionGroup var output: OutputOptions
    func run() async throws {
        let verb = FilesystemVerb(kind: .volume, verb: "diff", target: target)
        let (first, last) = (try VersionText.read(from, verb.operation), try VersionText.read(to, verb.operation))
        try await verb.run { connection in
            try await verb.session(try await verb.find(name, connection), connection, readOnly: true) { files in
                guard case .changes(let changes, let truncated) = try await files.perform(.diff(from: first, to: last, limit: limit)) else {
                    return
                }
                guard !output.json else {
                    return Show.json { writer in
                        writer.object {
                            $0.field("changes", changes)
                            $0.field("truncated", truncated)
                        }
                    }
                }
                for change in changes {
                    let from = change.from.map { "\(Terminal.escaped($0.description)) → " } ?? ""
                    Terminal.line("\(change.kind.rawValue)\t\(from)\(Terminal.escaped(change.path.description))")
                }
                if truncated { Terminal.error("more changed than was asked for; raise --limit") }
            }
        }
    }
}

struct VolumeRollback: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rollback", abstract: "Publish the content of a past version as a new one.")
    @Argument var name: String
    @Argument(help: "A version, such as 3 or v3.") var version: String
    @OptionGroup var confirm: ConfirmOptions
    @OptionGroup var target: TargetOptions
    @OptionGroup var output: OutputOptions
    func run() async throws {
        let verb = FilesystemVerb(kind: .volume, verb: "rollback", target: target)
        let version = try VersionText.read(version, verb.operation)
        try await verb.run { connection in
            let volume = try await verb.find(name, connection)
            try Terminal.confirm(
                "Publish version \(version) of '\(name)' as the newest?", yes: confirm.yes, operation: verb.operation, object: name)
            try await verb.session(volume, connection, readOnly: false) { files in
                let clock = ContinuousClock.now
                switch try await files.perform(.rollback(to: version), within: .seconds(120)) {
                case .receipt(let receipt) where output.json:
                    Receipts.json(receipt, milliseconds: (ContinuousClock.now - clock).inMilliseconds)
                case .receipt(let receipt): Receipts.show(receipt)
                default: Terminal.line("Version \(version) is the newest again.")
                }
            }
        }
    }
}

struct VolumeConflicts: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "conflicts", abstract: "List losing versions of files; --resolve N drops one.")
    @Argument var name: String
    @Option(help: "Drop the conflict of this number.") var resolve: UInt64?
    @Option(help: "How many, 1 to 10,000.") var limit: UInt32 = 1_000
    @OptionGroup var target: TargetOptions
    @OptionGroup var output: OutputOptions
    func run() async throws {
        let verb = FilesystemVerb(kind: .volume, verb: "conflicts", target: target)
        try await verb.run { connection in
            try await verb.session(try await verb.find(name, connection), connection, readOnly: resolve == nil) { files in
                if let resolve {
                    try await files.perform(.resolveConflict(index: resolve))
                    return Terminal.line("Conflict \(resolve) is resolved.")
                }
                guard case .conflicts(let conflicts) = try await files.perform(.conflicts(limit: limit)) else { return }
                guard !output.json else { return Show.json("conflicts", conflicts) }
                var table = Table(">Number", "Path", "Reason", ">Losing version", ">Size")
                for conflict in conflicts {
                    table.add(
                        "\(conflict.index)", conflict.path.description, conflict.reason, "\(conflict.losingVersion)",
                        Show.bytes(conflict.size))
                }
                table.show()
            }
        }
    }
}

enum VersionText {
    /// A version, or the receipt that names it.
    static func receipt(_ text: String, _ operation: String) throws -> VersionID {
        guard text.contains("{") else { return try read(text, operation) }
        guard let json = try? JSONParser.parse(Array(text.utf8)), let number = try? json.unsigned("version") else {
            throw CommandFailure.usage(operation, "--min-commit", "it is no receipt", hint: "say what `atoll volume commit --json` printed")
        }
        return VersionID(number)
    }

    static func read(_ text: String, _ operation: String) throws -> VersionID {
        guard let number = UInt64(text.hasPrefix("v") ? String(text.dropFirst()) : text) else {
            throw CommandFailure.usage(operation, text, "it is no version", hint: "say a number of `atoll volume history`, such as 3 or v3")
        }
        return VersionID(number)
    }
}
