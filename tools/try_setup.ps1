# Installs the setup silently for one person, starts the agent, installs again while it runs, and removes it.
# usage: tools/try_setup.ps1 C:\…\iea-agent-setup-0.1.0.exe     Fails with the first step that goes wrong.
# Not run on a PC that is in use: it removes the agent that is installed there.
param([Parameter(Mandatory)] [string] $Setup)
$ErrorActionPreference = 'Stop'
Set-StrictMode -Version Latest

$folder = Join-Path $env:LOCALAPPDATA 'Programs\IEA Agent'
$run = 'HKCU:\Software\Microsoft\Windows\CurrentVersion\Run'

function Invoke-Setup([string] $Program, [string[]] $Arguments, [int] $Expected = 0) {
    $process = Start-Process $Program $Arguments -PassThru -Wait
    if ($process.ExitCode -ne $Expected) { throw "$Program $Arguments ended with $($process.ExitCode), not $Expected" }
}

# the agent's answer and its exit code; a launcher with a console is waited for
function Invoke-Agent([string[]] $Arguments, [int[]] $Expected) {
    $output = & (Join-Path $folder 'iea-agent.exe') @Arguments 2>&1 | Out-String
    Write-Output "iea-agent $Arguments : $LASTEXITCODE`n$output"
    if ($LASTEXITCODE -notin $Expected) { throw "iea-agent $Arguments ended with $LASTEXITCODE" }
}

function Wait-Until([scriptblock] $Condition, [string] $What) {
    for ($try = 0; $try -lt 120; $try++) {
        if (& $Condition) { return }
        Start-Sleep -Milliseconds 500
    }
    throw "not within a minute: $What"
}

function Test-Answers { & (Join-Path $folder 'iea-agent.exe') status *> $null; $LASTEXITCODE -ne 3 }

Write-Output '== Install'
# no server is to be asked here
Invoke-Setup $Setup @('/S', '/NOTEST')
Invoke-Agent @('version') @(0)
if (-not (Get-ItemProperty $run).'IEA Agent') { throw 'no autostart' }
Invoke-Agent @('autostart', 'status') @(0)

Write-Output '== It runs'
if (-not (Test-Answers)) { Start-Process (Join-Path $folder 'iea-agentw.exe') 'run' }
Wait-Until { Test-Answers } 'the agent answers'
# without a licence it is disconnected
Invoke-Agent @('status', '--json') @(1)
Invoke-Agent @('diagnose') @(0)
Wait-Until { (Get-Content (Join-Path $env:LOCALAPPDATA 'IEA Agent\trial') -ErrorAction Ignore) -match 'proved' } 'the version is proved'

Write-Output '== Install again over the running agent'
Invoke-Setup $Setup @('/S', '/NOTEST')
Invoke-Agent @('version') @(0)

Write-Output '== Remove'
Invoke-Setup (Join-Path $folder 'uninstall.exe') @('/S', '/PURGE')
# the uninstaller works from a copy of itself and returns at once
Wait-Until { -not (Test-Path $folder) } 'the folder has gone'
Wait-Until { -not (Get-Process 'iea-agent*' -ErrorAction Ignore) } 'no agent runs'
if ((Get-Item $run).GetValue('IEA Agent')) { throw 'the autostart is left' }
if (Test-Path (Join-Path $env:LOCALAPPDATA 'IEA Agent')) { throw 'the folder of the person is left' }
Write-Output '== Well'
