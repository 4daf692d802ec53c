# A connector in PowerShell: people of a CSV file with the columns uid, sn,
# title and telephoneNumber (several with ';' between them).
#
# Untested: no PowerShell was at hand where it was written. An agent names it
#
#     command: [pwsh, -NoProfile, -File, connectors/people.ps1]
#
# SPDX-License-Identifier: Apache-2.0
$ErrorActionPreference = 'Stop'
$utf8 = [System.Text.UTF8Encoding]::new($false)
$in = [System.IO.StreamReader]::new([Console]::OpenStandardInput(), $utf8)
$out = [System.IO.StreamWriter]::new([Console]::OpenStandardOutput(), $utf8)
$out.NewLine = "`n"

function Say($message) {
    $out.WriteLine((ConvertTo-Json -InputObject $message -Compress -Depth 10))
}

function Read-People([string]$file) {
    $people = @(Import-Csv -Path $file -Encoding utf8)
    Say @{ msg = 'ok' }
    foreach ($person in $people) {
        $attrs = [ordered]@{}
        foreach ($column in 'uid', 'sn', 'title') {
            if ($person.$column) { $attrs[$column] = $person.$column }
        }
        if ($person.telephoneNumber) {
            $attrs['telephoneNumber'] = @($person.telephoneNumber -split ';')
        }
        Say ([ordered]@{ msg = 'object'; type = 'person'
                         anchor = $person.uid; attrs = $attrs })
    }
    Say @{ msg = 'end'; count = $people.Count }
}

while ($null -ne ($line = $in.ReadLine())) {
    $ask = ConvertFrom-Json -InputObject $line
    if ($ask.msg -eq 'bye') { break }
    try {
        switch ($ask.msg) {
            'hello' {
                Say @{ msg = 'hello'; protocol = 1
                       name = 'people in PowerShell'; can = @('import') }
            }
            'open' {
                $file = $ask.options.file
                if (-not (Test-Path -Path $file)) {
                    throw "there is no file '$file'"
                }
                Say @{ msg = 'ok' }
            }
            'import' { Read-People $file }
            default {
                Say @{ msg = 'error'; code = 'unsupported'
                       message = 'only imports are known here' }
            }
        }
    } catch {
        Say @{ msg = 'error'; code = 'invalid'
               message = $_.Exception.Message }
    }
    $out.Flush()
}
