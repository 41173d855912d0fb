import APIClient
import APISchema
import ArgumentParser
import Filesystem
import Primitives

/// `atoll app …`: what is kept alive by heartbeats and owns ephemeral file systems.
struct App: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "app", abstract: "Apps and what they own.", subcommands: [AppList.self, AppStop.self, AppHistory.self])
}

struct AppList: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "list", abstract: "List apps, newest first.")
    @OptionGroup var target: TargetOptions
    @OptionGroup var output: OutputOptions
    func run() async throws {
        try await Connection.run(target.cluster, .region(target.region), limit: target.limit, "app list") { connection in
            let apps = try await connection.client.apps(environment: target.environment)
            guard !output.json else { return Show.json("apps", apps) }
            var table = Table("App ID", "Name", "Description", "State", ">Tasks", "Created at", "Stopped at")
            for app in apps {
                table.add(
                    app.id.description, app.name, app.about, app.state, "\(app.tasks)", app.created.tableText, app.stopped?.tableText ?? "")
            }
            table.show()
        }
    }
}

struct AppStop: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "stop", abstract: "End an app, its mounts and its ephemeral file systems; or a network file system.",
        discussion: "A network file system is named by its id (sv-…). To stop it is to delete it, with all its data.")
    @Argument(help: "An id, or the name of a running app.") var app: String
    @OptionGroup var confirm: ConfirmOptions
    @OptionGroup var target: TargetOptions
    func run() async throws {
        try await Connection.run(target.cluster, .region(target.region), limit: target.limit, "app stop") { connection in
            if let filesystem = FilesystemID(app) { return try await stop(filesystem, connection) }
            try Terminal.confirm(
                "Stop the app '\(app)'? What is ephemeral in it is deleted.", yes: confirm.yes, operation: "app stop", object: app)
            let ended = try await connection.client.stopApp(app, environment: target.environment)
            Terminal.line("Stopped \(ended.apps.joined(separator: ", ")).")
            for filesystem in ended.filesystems { Terminal.line("Deleted \(filesystem).") }
        }
    }

    /// As `nfs delete`; a volume is deleted by its own verb alone.
    private func stop(_ filesystem: FilesystemID, _ connection: Connection) async throws {
        guard filesystem.kind == .nfs else {
            throw CommandFailure(
                "app stop", app, "it is a volume, which lives until it is deleted", hint: "`atoll volume delete \(app)` deletes it")
        }
        let verb = FilesystemVerb(kind: .nfs, verb: "delete", target: target, says: "app stop")
        try await verb.delete(try await verb.find(app, connection), yes: confirm.yes, connection)
    }
}

struct AppHistory: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "history", abstract: "Show what happened to an app and what it owns.")
    @Argument(help: "An id or a name.") var app: String
    @OptionGroup var target: TargetOptions
    @OptionGroup var output: OutputOptions
    func run() async throws {
        try await Connection.run(target.cluster, .region(target.region), limit: target.limit, "app history") { connection in
            let events = try await connection.client.history(ofApp: app, environment: target.environment)
            guard !output.json else { return Show.json("events", events) }
            var table = Table("Time", "By", "What", "Object", "Detail")
            for event in events { table.add(event.time.tableText, event.by, event.verb, event.object, event.detail) }
            table.show()
        }
    }
}
