package import Primitives

/// An app: something that runs, is kept alive by heartbeats, and owns what shall end with it.
package struct AppRecord: Hashable, Sendable, XDRCodable {
    /// Why an app stopped.
    package enum StopReason: UInt32, Hashable, Sendable, CaseIterable {
        /// Someone stopped it.
        case requested = 1
        /// Its heartbeats ceased.
        case expired = 2
        /// It ended by itself.
        case finished = 3

        package var word: String {
            switch self {
            case .requested: "stopped"
            case .expired: "expired"
            case .finished: "finished"
            }
        }
    }

    package enum State: Hashable, Sendable {
        case running
        case stopped(at: WallTime, by: String, reason: StopReason)
    }

    /// Seconds after the last heartbeat at which an app may be ended. An hour at most: what a dead
    /// app owns takes room for that long.
    package static let leaseRange: ClosedRange<UInt32> = 5...3_600
    package static let maximumDescription = 256
    /// Ephemeral file systems that one app may own.
    package static let maximumFilesystems = 1_024

    package let id: AppID
    /// Not unique: several runs of one program have the same.
    package let name: String
    package let about: String
    package let environment: EnvironmentName
    package let created: WallTime
    package let createdBy: String
    package let leaseSeconds: UInt32
    package var leaseExpiry: WallTime
    /// Processes that the app says it has.
    package var tasks: UInt32
    package var state: State
    /// The ephemeral file systems that it made, ascending.
    package var filesystems: [FilesystemID]

    package var isRunning: Bool {
        switch state {
        case .running: true
        case .stopped: false
        }
    }

    package init(
        id: AppID, name: String, about: String, environment: EnvironmentName, created: WallTime, createdBy: String,
        leaseSeconds: UInt32, leaseExpiry: WallTime, tasks: UInt32, state: State, filesystems: [FilesystemID]
    ) {
        self.id = id
        self.name = name
        self.about = about
        self.environment = environment
        self.created = created
        self.createdBy = createdBy
        self.leaseSeconds = leaseSeconds
        self.leaseExpiry = leaseExpiry
        self.tasks = tasks
        self.state = state
        self.filesystems = filesystems
    }

    package func encode(to writer: inout XDRWriter) {
        writer.write(id)
        writer.write(name)
        writer.write(about)
        writer.write(environment)
        writer.write(created)
        writer.write(createdBy)
        writer.write(leaseSeconds)
        writer.write(leaseExpiry)
        writer.write(tasks)
        switch state {
        case .running:
            writer.write(UInt32(0))
        case .stopped(let time, let by, let reason):
            writer.write(reason.rawValue)
            writer.write(time)
            writer.write(by)
        }
        writer.write(filesystems)
    }

    package init(from reader: inout XDRReader) throws(XDRError) {
        id = try reader.value()
        name = try reader.string(limit: CatalogName.maximumLength)
        about = try reader.string(limit: Self.maximumDescription)
        environment = try reader.value()
        created = try reader.value()
        createdBy = try reader.string(limit: CatalogCommand.principalLimit)
        leaseSeconds = try reader.uint32()
        leaseExpiry = try reader.value()
        tasks = try reader.uint32()
        let raw = try reader.uint32()
        if raw == 0 {
            state = .running
        } else if let reason = StopReason(rawValue: raw) {
            state = .stopped(at: try reader.value(), by: try reader.string(limit: CatalogCommand.principalLimit), reason: reason)
        } else {
            throw .badValue(what: "state of an app", value: UInt64(raw))
        }
        filesystems = try reader.array(limit: Self.maximumFilesystems)
    }
}
